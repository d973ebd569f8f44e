"""The spine of the study: what chapters call, one module per topic."""

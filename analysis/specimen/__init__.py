"""The known truth: virtual electrodes from a stochastic model."""

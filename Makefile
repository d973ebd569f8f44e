# make book | make test on a bare machine with python3, make and git. See README.md.
PROFILE ?= demo
REAL ?=
JOBS ?= 2
PYTHON ?= python3
VENV := .venv
LAB := jupyterlab==4.6.6
RUN := $(VENV)/bin/python

# What a reader types after a name below reaches Python as it was typed: make takes the raw value
# and exports it, and the shell only puts "$$NAME" where it stands, without reading it again.
SPECTRUM := FILE AREA_CM2 THICKNESS_UM CONDUCTIVITY_S_M POROSITY LABELS
$(foreach name,$(SPECTRUM) VOXEL_SIZE_UM OUT,$(eval override $(name) := $$(value $(name))))
export $(SPECTRUM) VOXEL_SIZE_UM OUT

# Waiting threads must not spin on a busy machine, and small matrices need no threaded BLAS.
export OMP_WAIT_POLICY = PASSIVE
export OPENBLAS_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1
export KERAS_BACKEND ?= jax
export PYTHONHASHSEED = 0

.PHONY: book test own spectrum lab sync lock clean preview pdf epub crate help
.DEFAULT_GOAL := help

help:
	@echo "make book [PROFILE=smoke|demo|paper] [REAL=labels.tif]   run the study, build the site"
	@echo "make test                                                run the tests"
	@echo "make own TOMOGRAM=scan.tif VOXEL_SIZE_UM=0.642 FRACTIONS=AM,CBD,pore"
	@echo "make spectrum FILE=cell.csv [AREA_CM2=1.13 THICKNESS_UM=80 CONDUCTIVITY_S_M=0.2]"
	@echo "         [POROSITY=0.4 | LABELS=labels.tif VOXEL_SIZE_UM=0.642] [OUT=results.csv]"
	@echo "make lab [PROFILE=smoke]                                 the chapters as notebooks, in JupyterLab"
	@echo "make preview   serve the built book      make sync    pair .md and .ipynb"
	@echo "make lock      resolve requirements.txt  make clean   remove _build and results"
	@echo "make pdf, make epub, make crate          other forms of the built book, RO-Crate of its results"

book: $(VENV)/.compiled
	$(RUN) -m analysis book --profile "$(PROFILE)" --real "$(REAL)" --jobs $(JOBS)

test: $(VENV)/.installed
	$(RUN) -m pytest $(TESTS)

own: $(VENV)/.compiled
	$(RUN) -m analysis own --tomogram "$(TOMOGRAM)" --voxel-size-um "$(VOXEL_SIZE_UM)" \
	  --fractions "$(FRACTIONS)" --dataset "$(DATASET)" --out "$(OUT)"

spectrum: $(VENV)/.compiled
	@$(RUN) -m analysis spectrum --file="$$FILE" --area-cm2="$$AREA_CM2" \
	  --thickness-um="$$THICKNESS_UM" --conductivity-S-m="$$CONDUCTIVITY_S_M" --porosity="$$POROSITY" \
	  --labels="$$LABELS" --voxel-size-um="$$VOXEL_SIZE_UM" --out="$$OUT"

# A profile named on the command line or in the environment; else the notebooks take the one that has results.
lab: export CBD_PROFILE := $(if $(filter file,$(origin PROFILE)),$(CBD_PROFILE),$(PROFILE))
lab: $(VENV)/.lab
	$(RUN) -m jupyterlab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/book/index.ipynb

# JupyterLab is no part of the lock: nothing of the study or of the site needs it.
$(VENV)/.lab: $(VENV)/.compiled
	$(RUN) -m pip install --quiet --disable-pip-version-check "$(LAB)"
	@touch $@

sync: $(VENV)/.installed
	$(RUN) -m analysis sync

pdf epub crate: $(VENV)/.installed
	$(RUN) -m analysis $@ --profile "$(PROFILE)"

preview: $(VENV)/.installed
	@$(RUN) -m analysis preview --profile "$(PROFILE)"

lock: $(VENV)/.installed
	$(RUN) -m pip install --quiet uv
	$(RUN) -m uv pip compile pyproject.toml --extra test --universal --python-version 3.11 \
	  --generate-hashes --quiet --output-file requirements.txt

clean:
	rm -rf _build results

$(VENV)/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(not (3, 11) <= v[:2] <= (3, 13))' 2>/dev/null || \
	  { echo "$(PYTHON) is $$($(PYTHON) --version 2>&1 || echo missing); Python 3.11, 3.12 or 3.13 is needed. Name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment. On Debian: apt install python3-venv" >&2; exit 1; }
	@echo "Downloading and installing what requirements.txt locks, about 2 GB:"
	$(RUN) -m pip install --disable-pip-version-check --require-hashes -r requirements.txt
	@$(RUN) -c 'import sysconfig, pathlib, os; pathlib.Path(sysconfig.get_path("purelib"), "compendium.pth").write_text(os.getcwd() + "\n")'
	@touch $@

# numba keeps the machine code and compiles a kernel anew when its source changes
$(VENV)/.compiled: $(VENV)/.installed
	$(RUN) -m analysis kernels
	@touch $@

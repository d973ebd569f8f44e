# make book | make test on a bare machine with python3, make and git. See README.md.
PROFILE ?= demo
JOBS ?= 2
PYTHON ?= python3
VENV := .venv
override LAB := jupyterlab==4.6.6
override TORCH := torch==2.13.0
RUN := $(VENV)/bin/python

# What a reader types after a name below reaches Python as it was typed, dollars, quotes and
# backticks included: make takes the raw value and exports it, and the shell only puts "$$NAME"
# where it stands, without reading it again. (make itself drops blanks before a value.)
PROFILE_TYPED := $(filter-out file,$(origin PROFILE))
NAMES := CBD_PROFILE PROFILE REAL JOBS PYTHON TESTS TOMOGRAM VOXEL_SIZE_UM FRACTIONS DATASET CROP POLARITY OUT FROM \
  FILE AREA_CM2 THICKNESS_UM CONDUCTIVITY_S_M POROSITY LABELS METHOD SET SECONDS MEMORY_GB SIZE CASES SEED DEVICE
$(foreach name,$(NAMES),$(eval override $(name) := $$(value $(name))))
export $(NAMES)

# Waiting threads must not spin on a busy machine, and small matrices need no threaded BLAS.
export OMP_WAIT_POLICY = PASSIVE
export OPENBLAS_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1
export KERAS_BACKEND ?= jax
export PYTHONHASHSEED = 0

.PHONY: book test plan record grow verify own spectrum challenge challenge-data lab posterior limit sync lock clean preview pdf epub crate help
.DEFAULT_GOAL := help

help:
	@echo "make book [PROFILE=smoke|demo|paper] [REAL=labels.tif] [DEVICE=cuda]   run the study, build the site"
	@echo "make test                                                run the tests"
	@echo "make plan [PROFILE=paper]      what would run, what of it is finished, what the rest costs"
	@echo "make record [PROFILE=paper]    finished results into record/   make verify [CASES=3 SEED=n]   run some anew"
	@echo "make grow [PROFILE=paper]      run what record/ lacks, what says most first; goes on where it was stopped"
	@echo "make own TOMOGRAM=scan.tif VOXEL_SIZE_UM=0.642 FRACTIONS=AM,CBD,pore [CROP=z0:z1,y0:y1,x0:x1]"
	@echo "         [POLARITY=bright|dark] [DATASET=name] [OUT=folder]"
	@echo "make spectrum FILE=cell.csv [AREA_CM2=1.13 THICKNESS_UM=80 CONDUCTIVITY_S_M=0.2]"
	@echo "         [POROSITY=0.4 | LABELS=labels.tif VOXEL_SIZE_UM=0.642] [OUT=results.csv]"
	@echo "make challenge METHOD=my_method.py [PROFILE=smoke|demo|paper] [SET=open|sealed|study]"
	@echo "         [SECONDS=300 MEMORY_GB=4] [OUT=folder]          your method on known electrodes, scored"
	@echo "make challenge-data [SIZE=sample|full|smoke|demo] [SET=open|sealed] [OUT=folder]"
	@echo "make lab [PROFILE=smoke]                                 the chapters as notebooks, in JupyterLab"
	@echo "make preview   serve the built book      make sync    pair .md and .ipynb [FROM=md|ipynb]"
	@echo "make lock      resolve requirements.txt  make clean   remove what the profiles built"
	@echo "make posterior train the weights of the posterior anew, on virtual electrodes of other seeds"
	@echo "make limit     train the U-Net that shows the limit of a tomogram anew (an hour; PyTorch is installed)"
	@echo "make pdf, make epub, make crate          other forms of the built book, RO-Crate of its results"

book: $(VENV)/.compiled
	$(RUN) -m analysis book --profile="$$PROFILE" --real="$$REAL" --jobs="$$JOBS" --device="$$DEVICE"

# TESTS are split into words as a shell would, but by Python: nothing in them is run
test: $(VENV)/.installed
	$(RUN) -c 'import os, shlex, sys, pytest; sys.exit(pytest.main(shlex.split(os.environ["TESTS"])))'

own: $(VENV)/.compiled
	$(RUN) -m analysis own --tomogram="$$TOMOGRAM" --voxel-size-um="$$VOXEL_SIZE_UM" \
	  --fractions="$$FRACTIONS" --dataset="$$DATASET" --crop="$$CROP" --polarity="$$POLARITY" --out="$$OUT"

spectrum: $(VENV)/.compiled
	@$(RUN) -m analysis spectrum --file="$$FILE" --area-cm2="$$AREA_CM2" \
	  --thickness-um="$$THICKNESS_UM" --conductivity-S-m="$$CONDUCTIVITY_S_M" --porosity="$$POROSITY" \
	  --labels="$$LABELS" --voxel-size-um="$$VOXEL_SIZE_UM" --out="$$OUT"

plan record: $(VENV)/.installed
	@$(RUN) -m analysis $@ --profile="$$PROFILE"

# Goes on where it was stopped; stopped by Ctrl+C or a signal, it leaves what is finished in record/.
grow: $(VENV)/.compiled
	@$(RUN) -m analysis grow --profile="$$PROFILE" --jobs="$$JOBS"

# A profile named on the command line or in the environment; else the largest that has a record.
verify: $(VENV)/.compiled
	@$(RUN) -m analysis verify $(if $(PROFILE_TYPED),--profile="$$PROFILE" )--cases="$$CASES" --seed="$$SEED" --device="$$DEVICE"

challenge: $(VENV)/.compiled
	@$(RUN) -m analysis challenge --profile="$$PROFILE" --method="$$METHOD" --set="$$SET" \
	  --out="$$OUT" --seconds="$$SECONDS" --memory-gb="$$MEMORY_GB"

challenge-data: $(VENV)/.compiled
	@$(RUN) -m analysis challenge-data --size="$$SIZE" --set="$$SET" --out="$$OUT"

# A profile named on the command line or in the environment; else the notebooks take the one that has results.
lab: $(VENV)/.lab
	$(if $(PROFILE_TYPED),CBD_PROFILE="$$PROFILE" )$(RUN) -m jupyterlab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/book/index.ipynb

# JupyterLab is no part of the lock: nothing of the study or of the site needs it.
$(VENV)/.lab: $(VENV)/.compiled
	$(RUN) -m pip install --quiet --disable-pip-version-check "$(LAB)"
	@touch $@

# The weights of the posterior come with the repository; this trains them anew.
posterior: $(VENV)/.compiled
	$(RUN) -m analysis.study.limit.posterior

# The weights of the U-Net come with the repository, too; this trains them anew, and goes on where
# it was stopped. PyTorch is no part of the lock: only this needs it.
limit: $(VENV)/.train
	KERAS_BACKEND=torch $(RUN) -m analysis.study.limit.network

$(VENV)/.train: $(VENV)/.compiled
	$(RUN) -m pip install --quiet --disable-pip-version-check "$(TORCH)" --extra-index-url https://download.pytorch.org/whl/cpu
	@touch $@

sync: $(VENV)/.installed
	$(RUN) -m analysis sync --from="$$FROM"

pdf epub crate: $(VENV)/.installed
	$(RUN) -m analysis $@ --profile="$$PROFILE"

preview: $(VENV)/.installed
	@$(RUN) -m analysis preview --profile="$$PROFILE"

lock: $(VENV)/.installed
	$(RUN) -m pip install --quiet uv
	$(RUN) -m uv pip compile pyproject.toml --extra test --universal --python-version 3.11 \
	  --generate-hashes --quiet --output-file requirements.txt

# Only what the three profiles and the browser tests made; anything else in the folders stays.
clean:
	@for folder in _build results; do \
	  test -L $$folder || test ! -d $$folder || { \
	    for profile in smoke demo paper; do rm -rf "$$folder/$$profile"; done; \
	    rmdir $$folder 2>/dev/null || { echo "left, for it was not made by make book:"; ls -Ad $$folder/* $$folder/.[!.]* 2>/dev/null; true; }; }; \
	done

$(VENV)/.installed: requirements.txt
	@"$$PYTHON" -c 'import sys; v = sys.version_info; sys.exit(not (3, 11) <= v[:2] <= (3, 13))' 2>/dev/null || \
	  { printf '%s is %s; Python 3.11, 3.12 or 3.13 is needed. Name one: make PYTHON=python3.12 ...\n' \
	      "$$PYTHON" "$$("$$PYTHON" --version 2>&1 || echo missing)" >&2; exit 1; }
	@test -x $(RUN) || { made=$$(test -e $(VENV) || echo yes); "$$PYTHON" -m venv $(VENV) || \
	  { test -z "$$made" || rm -rf $(VENV); \
	    printf '%s cannot make a virtual environment. On Debian: apt install python3-venv\n' "$$PYTHON" >&2; exit 1; }; }
	@echo "Downloading and installing what requirements.txt locks, about 2 GB:"
	$(RUN) -m pip install --disable-pip-version-check --require-hashes -r requirements.txt
	@$(RUN) -c 'import sysconfig, pathlib, os; pathlib.Path(sysconfig.get_path("purelib"), "compendium.pth").write_text(os.getcwd() + "\n")'
	@touch $@

# numba keeps the machine code and compiles a kernel anew when its source changes
$(VENV)/.compiled: $(VENV)/.installed
	$(RUN) -m analysis kernels
	@touch $@

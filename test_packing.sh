#!/usr/bin/env bash
# The published packing experiment; options given here are added and win.
cd "$(dirname "$0")" || exit
python=python3
[ -x .venv/bin/python ] && python=.venv/bin/python
exec "$python" -m rram_nas_comp_pack pack --model mbv3_small --depth-split-factor 5 --num-crossbars 20 \
    --layer-threshold 1 --find-solution --log-pack --seed 123 --verbose "$@"

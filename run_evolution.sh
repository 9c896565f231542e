#!/usr/bin/env bash
# The published search; options given here are added and win. With --quick it takes about 5 minutes on two cores.
cd "$(dirname "$0")" || exit
python=python3
[ -x .venv/bin/python ] && python=.venv/bin/python
exec "$python" -m rram_nas_comp_pack evolve --depth-split-factor 1 --num-sample 8 --num-crossbars 168 \
    --layer-threshold 1 --duplicate --evolute-method ndga --accuracy calibrate --seed 1 --exp-id evolution "$@"

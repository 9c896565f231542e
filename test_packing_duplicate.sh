#!/usr/bin/env bash
# The published duplication experiment, one run for each published budget; options given here are added and win.
cd "$(dirname "$0")" || exit
python=python3
[ -x .venv/bin/python ] && python=.venv/bin/python
for crossbars in 249 299 349 399 449; do
    "$python" -m rram_nas_comp_pack pack --model mbv3_small --depth-split-factor 5 --layer-threshold 1 --duplicate \
        --log-pack --seed 123 --verbose --exp-id "duplicate_$crossbars" --num-crossbars "$crossbars" "$@" || exit
done

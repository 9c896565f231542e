"""proto"""
from __future__ import annotations
import numpy as np, os
PP=float(os.environ.get('PP','0'))
NC1=float(os.environ.get('NC1','0'))
BOOST=float(os.environ.get('BOOST','0'))
PEN=float(os.environ.get('PEN','0'))
from ..compiled import compiled
from .spaces import best_space, occupy

@compiled
def rand(state):
    x = state[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    state[0] = x
    return x

@compiled
def below(state, n):
    return np.int64((rand(state) >> np.uint64(33)) % np.uint64(n))

@compiled
def unit(state):
    return np.float64(rand(state) >> np.uint64(11)) / 9007199254740992.0

@compiled
def fill(order, m, used, W, H, w, h, layer, threshold, limit, rule, spaces, got, gx, gy):
    """Greedily fill an empty bin; got[:k] the items. used[i] true = skip."""
    spaces[0, 0] = 0
    spaces[0, 1] = 0
    spaces[0, 2] = W
    spaces[0, 3] = H
    n = 1
    k = 0
    for t in range(m):
        i = order[t]
        if used[i]:
            continue
        if threshold >= 0:
            clash = False
            for j in range(k):
                if abs(layer[got[j]] - layer[i]) <= threshold:
                    clash = True
                    break
            if clash:
                continue
        s = best_space(spaces, n, w[i], h[i], rule)
        if s < 0:
            continue
        x = spaces[s, 0]
        y = spaces[s, 1]
        n = occupy(spaces, n, x, y, w[i], h[i])
        got[k] = i
        gx[k] = x
        gy[k] = y
        k += 1
        if n == 0 or k == limit:
            break
    return k

@compiled
def sort_by(order, key, m):
    # insertion sort, descending; m is small
    for a in range(1, m):
        i = order[a]
        ki = key[i]
        b = a - 1
        while b >= 0 and key[order[b]] < ki:
            order[b + 1] = order[b]
            b -= 1
        order[b + 1] = i

@compiled
def noise_keys(order, m, key, w, h, state, prio, pp):
    if unit(state) < pp:
        for t in range(m):
            key[order[t]] = prio[order[t]]
        r = 1 + below(state, 3)
        for q in range(r):
            if below(state, 2) == 0:
                key[order[below(state, m)]] = unit(state) * 1.1
            else:
                a = order[below(state, m)]
                b = order[below(state, m)]
                key[a], key[b] = key[b], key[a]
        return 1
    kind = below(state, 5)
    amp = unit(state) 
    amp = amp * amp
    for t in range(m):
        i = order[t]
        if kind == 0:
            base = float(w[i] * h[i])
        elif kind == 1:
            base = float(w[i])
        elif kind == 2:
            base = float(h[i])
        elif kind == 3:
            base = float(max(w[i], h[i]))
        else:
            base = float(w[i] + h[i])
        key[i] = base * (1.0 + amp * (unit(state) - 0.5) * 2)
    return 0

@compiled
def solve(w, h, layer, W, H, threshold, limit, target, iters, tries, T0, T1, beta, maxbins, seed):
    n = len(w)
    state = np.empty(1, np.uint64)
    state[0] = np.uint64(seed) * np.uint64(2654435761) + np.uint64(88172645463325252)
    A = W * H
    cap = 8 * n + 64
    spaces = np.empty((cap, 4), np.int64)
    used = np.zeros(n, np.bool_)
    key = np.empty(n)
    order = np.arange(n)
    prio = np.zeros(n); tprio = np.zeros(n); bprio = np.zeros(n); rule_of = np.zeros(n, np.int64); brule = np.zeros(n, np.int64)
    for i in range(n):
        prio[i] = w[i] * h[i] / A
    got = np.empty(n, np.int64); gx = np.empty(n, np.int64); gy = np.empty(n, np.int64)
    bgot = np.empty(n, np.int64); bx = np.empty(n, np.int64); by = np.empty(n, np.int64)
    bin_of = np.full(n, -1)
    x = np.zeros(n, np.int64); y = np.zeros(n, np.int64)
    # construct
    nb = 0
    left = n
    while left > 0:
        best = -1
        bk = 0
        for t in range(20):
            noise_keys(order, n, key, w, h, state, prio, 0.0)
            sort_by(order, key, n)
            k = fill(order, n, used, W, H, w, h, layer, threshold, limit, below(state, 4), spaces, got, gx, gy)
            area = 0
            for j in range(k):
                area += w[got[j]] * h[got[j]]
            if area > best:
                best = area
                bk = k
                bgot[:k] = got[:k]; bx[:k] = gx[:k]; by[:k] = gy[:k]
        for j in range(bk):
            i = bgot[j]
            used[i] = True
            bin_of[i] = nb
            x[i] = bx[j]; y[i] = by[j]
        left -= bk
        nb += 1
    first = nb
    sol = bin_of.copy(); sx = x.copy(); sy = y.copy(); snb = nb
    head = np.full(nb + 1, -1); nxt = np.full(n, -1)
    fillA = np.zeros(nb + 1, np.int64)
    # member lists rebuilt when needed
    members = np.empty((nb, n), np.int64); cnt = np.zeros(nb, np.int64)
    for i in range(n):
        b = bin_of[i]
        members[b, cnt[b]] = i; cnt[b] += 1
        fillA[b] += w[i] * h[i]
    pool = np.empty(n, np.int64); npool = 0
    pen = np.ones(n)
    cand = np.empty(n, np.int64)
    newpool = np.empty(n, np.int64)
    tb = np.empty(n, np.int64); tx = np.empty(n, np.int64); ty = np.empty(n, np.int64)
    chosen = np.empty(16, np.int64)
    it = 0
    cur_best_pool = 1e18
    while it < iters:
        if npool == 0:
            # record
            snb = nb
            for i in range(n):
                sol[i] = bin_of[i]; sx[i] = x[i]; sy[i] = y[i]
            if nb <= target:
                break
            # dissolve least filled
            b = 0
            for q in range(nb):
                if fillA[q] < fillA[b]:
                    b = q
            for j in range(cnt[b]):
                pool[npool] = members[b, j]; npool += 1
            nb -= 1
            if b != nb:
                for j in range(cnt[nb]):
                    members[b, j] = members[nb, j]
                    bin_of[members[b, j]] = b
                cnt[b] = cnt[nb]
                fillA[b] = fillA[nb]
            it0 = it
            continue
        it += 1
        temp = T0 * (T1 / T0) ** (it / iters)
        nc = 1 + below(state, min(maxbins, nb))
        if NC1 > 0 and unit(state) < NC1:
            nc = 1
        for c in range(nc):
            again = True
            while again:
                b = below(state, nb)
                again = False
                for d in range(c):
                    if chosen[d] == b:
                        again = True
            chosen[c] = b
        m = 0
        old = 0.0
        for j in range(npool):
            i = pool[j]
            cand[m] = i; m += 1
            old += w[i] * h[i] * pen[i]
        olds = 0.0
        for c in range(nc):
            b = chosen[c]
            f = fillA[b] / A
            olds += f * f
            for j in range(cnt[b]):
                cand[m] = members[b, j]; m += 1
        for j in range(m):
            used[cand[j]] = False
        # refill
        news = 0.0
        nm = 0
        for c in range(nc):
            best = -1.0
            bk = 0
            for t in range(tries):
                mode = noise_keys(cand, m, key, w, h, state, prio, PP)
                if BOOST > 0 and unit(state) < BOOST:
                    for q in range(m):
                        if bin_of[cand[q]] < 0:
                            key[cand[q]] *= 2.0
                sort_by(cand, key, m)
                rule = below(state, 4)
                if mode == 1 and below(state, 8) > 0:
                    rule = rule_of[chosen[c]]
                k = fill(cand, m, used, W, H, w, h, layer, threshold, limit, rule, spaces, got, gx, gy)
                area = 0.0
                for j in range(k):
                    area += w[got[j]] * h[got[j]] * pen[got[j]]
                if area > best:
                    best = area
                    bk = k
                    brule[c] = rule
                    for j in range(k):
                        bgot[j] = got[j]; bx[j] = gx[j]; by[j] = gy[j]
                        bprio[j] = key[got[j]] if mode == 1 else 1.0 - (j + 0.5) / (k + 1)
            a = 0
            for j in range(bk):
                i = bgot[j]
                used[i] = True
                tb[i] = chosen[c]; tx[i] = bx[j]; ty[i] = by[j]; tprio[i] = bprio[j]
                a += w[i] * h[i]
            f = a / A
            news += f * f
        np_ = 0
        new = 0.0
        for j in range(m):
            i = cand[j]
            if not used[i]:
                newpool[np_] = i; np_ += 1
                new += w[i] * h[i] * pen[i]
        delta = (new - old) / A - beta * (news - olds)
        if np_ == 0 or delta <= 0 or unit(state) < np.exp(-delta / temp):
            for c in range(nc):
                cnt[chosen[c]] = 0
                rule_of[chosen[c]] = brule[c]
                fillA[chosen[c]] = 0
            for j in range(m):
                i = cand[j]
                if used[i]:
                    b = tb[i]
                    bin_of[i] = b; x[i] = tx[i]; y[i] = ty[i]; prio[i] = tprio[i]
                    members[b, cnt[b]] = i; cnt[b] += 1
                    fillA[b] += w[i] * h[i]
            if PEN > 0:
                for j in range(np_):
                    pen[newpool[j]] += PEN
            npool = np_
            for j in range(np_):
                pool[j] = newpool[j]
                bin_of[pool[j]] = -1
    return snb, first, it, sol, sx, sy

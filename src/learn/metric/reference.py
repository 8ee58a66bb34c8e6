"""Makes reference.json: what scikit-learn, SciPy and plain definitions say of made-up cases.

The cases follow from a formula (a generator of whole numbers), so that reference_test.cpp makes the
same ones without storing them. Run: python reference.py > reference.json
"""

import json
import math
import sys
import warnings

import numpy
import scipy
import scipy.optimize
import scipy.stats
import sklearn
from sklearn import metrics

warnings.filterwarnings("ignore")
MASK = (1 << 64) - 1


class Stream:
    """Numbers in [0, 1): Knuth's linear congruential generator, its upper 53 bits."""

    def __init__(self, seed):
        self.state = seed

    def __call__(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & MASK
        return (self.state >> 11) * 2.0**-53


def rows_of(case):
    """Truth and probabilities; reference_test.cpp holds the same function."""
    u = Stream(case["seed"])
    n, k = case["cases"], case["classes"]
    truth, probabilities = [], []
    for _ in range(n):
        if case["multi_label"]:
            for c in range(k):
                positive = 1 if u() < case["rare"] else 0
                p = (u() + (case["strength"] if positive else 0.0)) / (1.0 + case["strength"])
                if case["steps"]:
                    p = math.floor(p * case["steps"]) / case["steps"]
                truth.append(-1 if u() < case["unknown"] else positive)
                probabilities.append(p)
        else:
            label = 0 if u() >= case["rare"] else 1 + int(u() * (k - 1))
            raw = []
            for c in range(k):
                r = 0.05 + u() + (case["strength"] * u() if c == label else 0.0)
                if case["steps"]:
                    r = (1.0 + math.floor(r * case["steps"])) / case["steps"]
                raw.append(r)
            total = 0.0
            for r in raw:
                total = total + r
            truth.append(-1 if u() < case["unknown"] else label)
            probabilities.extend(r / total for r in raw)
    shape = (n, k) if case["multi_label"] else (n,)
    return numpy.array(truth).reshape(shape), numpy.array(probabilities).reshape(n, k)


def ece(confidence, right):
    edges = numpy.linspace(0, 1, 16)
    which = numpy.searchsorted(edges[1:-1], confidence)
    gap = 0.0
    for b in range(15):
        inside = which == b
        if inside.any():
            gap += inside.sum() * abs(confidence[inside].mean() - right[inside].mean())
    return gap / len(confidence)


def placements(y, s):
    positive, negative = s[y == 1], s[y == 0]
    above = (positive[:, None] > negative[None, :]) + 0.5 * (positive[:, None] == negative[None, :])
    return above.mean(axis=1), above.mean(axis=0)


def delong(y, s):
    v10, v01 = placements(y, s)
    error = math.sqrt(v10.var(ddof=1) / len(v10) + v01.var(ddof=1) / len(v01))
    z = scipy.stats.norm.ppf(0.975)
    return [max(0.0, v10.mean() - z * error), min(1.0, v10.mean() + z * error)]


def wilson(hits, trials):
    if trials == 0:
        return None
    interval = scipy.stats.binomtest(int(hits), int(trials)).proportion_ci(method="wilson")
    return [interval.low, interval.high]


def binary(y, score, found):
    tn, fp, fn, tp = metrics.confusion_matrix(y, found, labels=[0, 1]).ravel()
    fpr, tpr, thresholds = metrics.roc_curve(y, score, drop_intermediate=False)
    youden = int(numpy.argmax(numpy.round(tpr - fpr, 12)))
    share, confidence = metrics_calibration(y, score)
    out = {
        "auc": metrics.roc_auc_score(y, score),
        "auc_interval": delong(y, score),
        "average_precision": metrics.average_precision_score(y, score),
        "accuracy": metrics.accuracy_score(y, found),
        "accuracy_interval": wilson((y == found).sum(), len(y)),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, found),
        "sensitivity": metrics.recall_score(y, found),
        "sensitivity_interval": wilson(tp, tp + fn),
        "specificity": metrics.recall_score(y, found, pos_label=0),
        "specificity_interval": wilson(tn, tn + fp),
        "precision": metrics.precision_score(y, found) if tp + fp > 0 else None,
        "precision_interval": wilson(tp, tp + fp),
        "f1": metrics.f1_score(y, found),
        "counts": [int(tp), int(fp), int(fn), int(tn)],
        "roc": [float(numpy.sum(fpr)), float(numpy.sum(tpr)), len(fpr)],
        "youden_threshold": float(thresholds[youden]),
        "sensitivity_threshold": float(thresholds[numpy.argmax(tpr >= 0.95)]),
        "reliability": [share.tolist(), confidence.tolist()],
    }
    return out


def metrics_calibration(y, score):
    from sklearn.calibration import calibration_curve

    return calibration_curve(y, score, n_bins=15)


def single(truth, p):
    known = truth >= 0
    y, p = truth[known], p[known]
    k = p.shape[1]
    top = p.argmax(axis=1)
    labels = list(range(k))
    hot = numpy.eye(k, dtype=int)[y]
    found = numpy.eye(k, dtype=int)[top]
    classes = [binary(hot[:, c], p[:, c], found[:, c]) for c in labels]
    out = {
        "accuracy": metrics.accuracy_score(y, top),
        "accuracy_interval": wilson((y == top).sum(), len(y)),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, top),
        "log_loss": metrics.log_loss(y, p, labels=labels),
        "ece": ece(p.max(axis=1), (y == top).astype(float)),
        "confusion": metrics.confusion_matrix(y, top, labels=labels).tolist(),
    }
    if k == 2:
        out["brier"] = metrics.brier_score_loss(y, p[:, 1])
        for name in ("auc", "average_precision", "sensitivity", "specificity", "precision", "f1"):
            out[name] = classes[1][name]
            if name + "_interval" in classes[1]:
                out[name + "_interval"] = classes[1][name + "_interval"]
    else:
        out["brier"] = metrics.brier_score_loss(y, p, labels=labels)
        out["auc"] = metrics.roc_auc_score(y, p, multi_class="ovr", average="macro", labels=labels)
        out["average_precision"] = metrics.average_precision_score(hot, p, average="macro")
        out["auc_micro"] = metrics.roc_auc_score(hot, p, average="micro")
        out["average_precision_micro"] = metrics.average_precision_score(hot, p, average="micro")
        averages(out, hot, found, classes)
        out["f1"] = metrics.f1_score(y, top, average="macro", labels=labels)
    return {"all": out, "per_class": classes}


def averages(out, hot, found, classes):
    for name, score in (
        ("sensitivity", metrics.recall_score),
        ("precision", metrics.precision_score),
        ("f1", metrics.f1_score),
    ):
        out[name + "_micro"] = score(hot.ravel(), found.ravel())
    out["specificity_micro"] = metrics.recall_score(hot.ravel(), found.ravel(), pos_label=0)
    for name in ("sensitivity", "specificity", "precision", "f1"):
        values = [one[name] for one in classes]
        out[name] = None if None in values else float(numpy.mean(values))


def multi(truth, p):
    k = p.shape[1]
    classes, losses, briers, eces = [], [], [], []
    for c in range(k):
        known = truth[:, c] >= 0
        y, s = truth[known, c], p[known, c]
        classes.append(binary(y, s, (s >= 0.5).astype(int)))
        losses.append(metrics.log_loss(y, s, labels=[0, 1]))
        briers.append(metrics.brier_score_loss(y, s))
        eces.append(ece(s, y))
    known = truth >= 0
    y, s = truth[known], p[known]
    found = (s >= 0.5).astype(int)
    out = {
        "accuracy": metrics.accuracy_score(y, found),
        "auc_micro": metrics.roc_auc_score(y, s),
        "average_precision_micro": metrics.average_precision_score(y, s),
        "log_loss": float(numpy.mean(losses)),
        "brier": float(numpy.mean(briers)),
        "ece": float(numpy.mean(eces)),
    }
    averages(out, y, found, classes)
    for name in ("auc", "average_precision", "balanced_accuracy"):
        out[name] = float(numpy.mean([one[name] for one in classes]))
    return {"all": out, "per_class": classes}


def temperature(case):
    truth, p = rows_of(case)
    z = 3 * p - 1 if case["multi_label"] else 6 * p
    y = truth

    def slope(beta):
        if case["multi_label"]:
            known = y >= 0
            return float(numpy.sum(z[known] * (scipy.special.expit(beta * z[known]) - y[known])))
        known = y >= 0
        share = scipy.special.softmax(beta * z[known], axis=1)
        return float(numpy.sum((share * z[known]).sum(axis=1) - z[known, y[known]]))

    beta = scipy.optimize.brentq(slope, 0.05, 20, xtol=1e-15, rtol=1e-15)
    return 1 / beta


CASES = [
    dict(cases=40, classes=2, strength=1.0, rare=0.5, steps=0, unknown=0.0, multi_label=False),
    dict(cases=200, classes=2, strength=0.5, rare=0.1, steps=8, unknown=0.0, multi_label=False),
    dict(cases=624, classes=2, strength=3.0, rare=0.625, steps=0, unknown=0.1, multi_label=False),
    dict(cases=60, classes=2, strength=0.0, rare=0.5, steps=2, unknown=0.0, multi_label=False),
    dict(cases=150, classes=3, strength=1.0, rare=0.6, steps=0, unknown=0.0, multi_label=False),
    dict(cases=400, classes=5, strength=0.7, rare=0.5, steps=4, unknown=0.05, multi_label=False),
    dict(cases=900, classes=9, strength=2.0, rare=0.8, steps=0, unknown=0.0, multi_label=False),
    dict(cases=120, classes=1, strength=0.6, rare=0.3, steps=0, unknown=0.0, multi_label=True),
    dict(cases=300, classes=4, strength=0.5, rare=0.2, steps=10, unknown=0.2, multi_label=True),
    dict(cases=500, classes=14, strength=0.8, rare=0.12, steps=0, unknown=0.0, multi_label=True),
]


def main():
    out = {
        "made_with": {
            "python": sys.version.split()[0],
            "numpy": numpy.__version__,
            "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "cases": [],
        "mcnemar": [],
        "wilson": [],
    }
    for seed, case in enumerate(CASES):
        case["seed"] = 1000 + seed
        truth, p = rows_of(case)
        expected = multi(truth, p) if case["multi_label"] else single(truth, p)
        out["cases"].append({"case": case, **expected, "temperature": temperature(case)})
    for b, c in ((0, 0), (1, 0), (5, 15), (121, 59), (59, 121), (10, 10), (0, 1100), (4000, 4200)):
        n = b + c
        chi = (max(0, abs(b - c) - 1)) ** 2 / n if n else 0.0
        out["mcnemar"].append(
            {
                "counts": [b, c],
                "exact_p": scipy.stats.binomtest(b, n, 0.5).pvalue if n else 1.0,
                "chi_squared": chi,
                "chi_squared_p": float(scipy.stats.chi2.sf(chi, 1)),
            }
        )
    for hits, trials in ((0, 1), (1, 1), (0, 20), (20, 20), (15, 20), (557, 624), (1, 100000)):
        out["wilson"].append({"counts": [hits, trials], "interval": wilson(hits, trials)})
    json.dump(out, sys.stdout, indent=1)
    print()


main()

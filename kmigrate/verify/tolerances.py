"""How far two runs may be apart; docs/facts.md says what correct rewrites and mistakes measure."""

from __future__ import annotations

PREDICTIONS = 1e-9  # of the largest
GRADIENT = 1e-9  # of the L2 norm over all weights together; also the loss
WEIGHTS = 1e-8  # the same, after the steps of the script's own optimizer
LATER = 1e-7  # losses and predictions after these steps, and what the script itself gets or saves
# a failed check this close to its tolerance is a loss of accuracy, not another function
INACCURATE = 1e-6
SEEN = 1e-6  # the least that a deliberate mistake must change
# a program that forces float32: so many times what it changes if its inputs move by one unit in the last place
NOISE = 10
# beyond this the program's own rounding hides too much to judge by: mistakes begin at ten times that
LOUD = 1e-5  # of predictions and the loss
LOUD_GRADIENT = 1e-3
# optimizers that divide by the size of a gradient blow up rounding: after steps in float32 less than this is INACCURATE
STEPPED = 1e-3

TOLERANCES = {
    "predictions": PREDICTIONS,
    "gradient": GRADIENT,
    "weights": WEIGHTS,
    "later": LATER,
    "inaccurate": INACCURATE,
    "seen": SEEN,
    "noise": NOISE,
    "loud": LOUD,
    "loud_gradient": LOUD_GRADIENT,
    "stepped": STEPPED,
}

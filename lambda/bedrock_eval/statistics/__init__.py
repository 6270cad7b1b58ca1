"""Estimates with their uncertainty. Standard library only, no state, no clock: the same input gives the same number.

`intervals` for one sample, `paired` for two answers to each case, `multiplicity` for many p-values, `power` for the
number of cases. Unknown is None, never 0. Closed forms agree with scipy within 1e-9 (tests/parity).
"""

from bedrock_eval.statistics.bootstrap import bootstrap_interval
from bedrock_eval.statistics.distributions import incomplete_beta, student_t_p_value, student_t_quantile
from bedrock_eval.statistics.intervals import (
    Estimate,
    Interval,
    mean_interval,
    rule_of_three,
    rule_of_three_p_value,
    standard_deviation,
    wilson_interval,
)
from bedrock_eval.statistics.multiplicity import benjamini_hochberg, holm
from bedrock_eval.statistics.paired import (
    Difference,
    SignedRank,
    mcnemar_exact,
    paired_difference,
    paired_proportion_difference,
    wilcoxon_signed_rank,
)
from bedrock_eval.statistics.power import implied_deviation, minimum_detectable_effect, needed_n

__all__ = [
    "Difference",
    "Estimate",
    "Interval",
    "SignedRank",
    "benjamini_hochberg",
    "bootstrap_interval",
    "holm",
    "implied_deviation",
    "incomplete_beta",
    "mcnemar_exact",
    "mean_interval",
    "minimum_detectable_effect",
    "needed_n",
    "paired_difference",
    "paired_proportion_difference",
    "rule_of_three",
    "rule_of_three_p_value",
    "standard_deviation",
    "student_t_p_value",
    "student_t_quantile",
    "wilcoxon_signed_rank",
    "wilson_interval",
]

"""How much synthetic data, which weight, which loop: answers from exact theory, each with its
conditions, and certified by simulation on request.
"""

from collapse_theory.planning.asking import plan, questions
from collapse_theory.planning.base import Advice, Question, Situation, question
from collapse_theory.planning.certifying import Certificate, certify

__all__ = [
    "Advice", "Certificate", "Question", "Situation", "certify", "plan", "question", "questions",
]  # fmt: skip

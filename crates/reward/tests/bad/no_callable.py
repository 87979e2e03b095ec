# fault: no-callable
import math

WEIGHTS = [math.pi, 2.0]

"""The tests of schedules import modules that stand beside them."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent

# So that they are found in every import mode of pytest.
sys.path.insert(0, str(HERE))

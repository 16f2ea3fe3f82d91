"""How many rows a CPU-second litellm prices: `completion_cost` of each; runs in a Python that has litellm."""

import json
import os
import time

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
from litellm.types.utils import PromptTokensDetailsWrapper, Usage

MODELS = ("gpt-4o-mini", "gpt-4o", "gpt-4.1", "gpt-4.1-mini", "o3-mini", "gpt-4.1-nano", "o3", "o4-mini")
ROWS = 5_000
rows = [
    litellm.ModelResponse(
        id=f"chatcmpl-{n}",
        model=MODELS[n % 8],
        usage=Usage(
            prompt_tokens=900 + n % 5000,
            completion_tokens=n % 900,
            total_tokens=900 + n % 5000 + n % 900,
            prompt_tokens_details=PromptTokensDetailsWrapper(cached_tokens=n % 900),
        ),
    )
    for n in range(ROWS)
]
begun = time.process_time()
total = sum(litellm.completion_cost(completion_response=row, model=row.model) for row in rows)
print(json.dumps({"rows": ROWS, "seconds": time.process_time() - begun, "usd": total}))

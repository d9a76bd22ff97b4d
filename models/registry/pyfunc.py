"""The registered model for MLflow's own tools: ``mlflow models serve``, batch scoring, evaluation.

MLflow runs this file as *models from code*: it holds no state, only the way to the plain model folder that lies beside
it, so there is no pickle here either. The night never comes this way; it reads the folder itself
(``models.registry.registry``).
Rescue has to be installed where the model is served.
"""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc import PythonModel, PythonModelContext

from models.data.signature import SignatureError
from models.learners.risk_model import RiskModel
from models.registry.request_rows import SCORE_UNKNOWN, read_rows


class RescueModel(PythonModel):  # type: ignore[misc]  # MLflow is not followed by mypy (pyproject)
    """A frame of features in, the calibrated probability and the finer rank score out."""

    def load_context(self, context: PythonModelContext) -> None:
        """Check the folder's manifest and load the model from its text and JSON."""
        self.model = RiskModel.load(Path(context.artifacts["model"]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """``probability`` and ``rank_score`` of each row of ``model_input``, in its order."""
        score_unknown = bool((params or {}).get(SCORE_UNKNOWN, False))
        try:
            rows = read_rows(self.model.signature, model_input, score_unknown=score_unknown)
            predicted = self.model.predict(rows)
        except SignatureError as error:  # as MLflow's own error, so that the client gets the sentence
            raise MlflowException(str(error), error_code=INVALID_PARAMETER_VALUE) from None
        return pd.DataFrame({"probability": predicted.probability, "rank_score": predicted.rank_score})


set_model(RescueModel())

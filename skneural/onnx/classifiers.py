"""Classifiers as nodes of a graph.

The outputs are what skl2onnx has for those of scikit-learn:

======================  =========================  ===============================================
targets                 label                      probabilities
======================  =========================  ===============================================
one label a row         (n_rows,)                  (n_rows, n_classes)
multilabel              (n_rows, n_labels), int64  (n_rows, n_labels)
several columns         (n_rows, n_columns)        a sequence: (n_rows, n_classes) for each column
======================  =========================  ===============================================

With the option `raw_scores`, and for a perceptron, the second one has scores instead: logits, for
two classes -z and z.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.estimators.classifier import labels_of
from skneural.estimators.label_columns import LabelColumns
from skneural.estimators.target_contract import ClassTargets
from skneural.estimators.targets import Labels
from skneural.losses.links import outputs_of_targets
from skneural.onnx.graph import Graph
from skneural.onnx.labels import are_strings, label_nodes, labels_of_graph
from skneural.onnx.links import columns, link_nodes
from skneural.onnx.network import raw_outputs
from skneural.onnx.variables import (
    check_inputs,
    joined_inputs,
    n_rows,
    put_out,
    set_shape,
    types,
)


def shape_of_classifier(operator: Any) -> None:
    """Set types and shapes of the outputs: skl2onnx's shape function of a classifier."""
    estimator = operator.raw_operator
    check_inputs(operator, estimator._model)
    set_class_shapes(operator, labels_of(estimator._model))


def set_class_shapes(operator: Any, targets: ClassTargets) -> None:
    """Set types and shapes of the outputs of an operator that predicts these classes.

    Raises
    ------
    ValueError
        If there are several columns of labels, and the converter that calls ours, that of a
        meta-estimator, expects one.
    """
    label, probabilities = operator.outputs[:2]
    rows = n_rows(operator)
    options = operator.scope_inst.get_options(operator.raw_operator, {"nocl": False})
    labels = graph_labels(targets, options["nocl"])
    kind = types().StringTensorType if are_strings(labels[0]) else types().Int64TensorType
    if isinstance(targets, LabelColumns):
        if not isinstance(probabilities.type, types().SequenceType):
            raise ValueError(
                f"{type(operator.raw_operator).__name__} has been fitted to several columns of "
                "labels: it can be converted by itself, as the last step of a pipeline or in a "
                "GridSearchCV, not inside another estimator."
            )
        label.type = kind([rows, len(labels)])
        return
    is_multilabel = isinstance(targets, Labels) and targets.multilabel
    label.type = kind([rows, targets.n_probabilities] if is_multilabel else [rows])
    set_shape(probabilities, [rows, targets.n_probabilities])


def convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of a classifier: skl2onnx's converter."""
    estimator = operator.raw_operator
    model = estimator._model
    targets = labels_of(model)
    graph = Graph(scope, container, str(model.dtype))
    raw = raw_outputs(graph, model, joined_inputs(graph, operator))
    options = container.get_options(estimator, {"nocl": False, "raw_scores": False})
    labels = graph_labels(targets, options["nocl"])
    as_scores = options["raw_scores"] or not hasattr(estimator, "predict_proba")
    label, probabilities = operator.outputs[:2]
    if isinstance(targets, LabelColumns):
        _convert_columns(graph, targets, labels, raw, as_scores, operator)
        return
    assert isinstance(targets, Labels)
    if targets.is_binary:
        # Both probabilities from logits of their own: 1 - p would lose the digits of a small one.
        raw = graph.node("Concat", graph.node("Neg", raw), raw, axis=1)
    if targets.multilabel:
        above = graph.node("Greater", raw, graph.constant(0))
        graph.cast(above, "int64", out=label.full_name)
    else:
        index = graph.node("ArgMax", raw, axis=1, keepdims=0)
        label_nodes(graph, labels[0], index, out=label.full_name)
    result = raw if as_scores else link_nodes(graph, targets.link, raw, targets.n_outputs)
    put_out(graph, result, probabilities)


def _convert_columns(
    graph: Graph,
    targets: LabelColumns,
    labels: list[npt.NDArray[Any]],
    raw: str,
    as_scores: bool,
    operator: Any,
) -> None:
    """Add labels and probabilities of several columns."""
    predicted, results = [], []
    parts = outputs_of_targets(targets.widths)
    for column, own_labels, outputs in zip(targets.columns, labels, parts, strict=True):
        own = columns(graph, raw, outputs.start, outputs.stop)
        index = graph.node("ArgMax", own, axis=1, keepdims=1)
        predicted.append(label_nodes(graph, own_labels, index))
        results.append(own if as_scores else link_nodes(graph, column.link, own, column.n_outputs))
    graph.node("Concat", *predicted, axis=1, out=operator.outputs[0].full_name)
    graph.node("SequenceConstruct", *results, out=operator.outputs[1].full_name)


def graph_labels(targets: ClassTargets, by_number: bool = False) -> list[npt.NDArray[Any]]:
    """The labels of every column as a graph puts them out; with `by_number`, their numbers.

    Raises
    ------
    ValueError
        If there are no such labels in ONNX, or one column has numbers and another has strings.
    """
    if isinstance(targets, LabelColumns):
        if by_number:
            raise ValueError("The option nocl is not for several columns of labels.")
        labels = [labels_of_graph(column.classes) for column in targets.columns]
        if len({are_strings(each) for each in labels}) > 1:
            raise ValueError(
                "One column of labels has strings and another has numbers, and a matrix in ONNX "
                "has one type of element: encode them as numbers before fitting."
            )
        return labels
    classes = targets.classes_of_model
    return [np.arange(len(classes)) if by_number else labels_of_graph(classes)]

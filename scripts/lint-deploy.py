#!/usr/bin/env python3
"""Checks deploy/ against the published schemas: Kubernetes' own, KEDA's, and that of Compose. Nothing is fetched.

A field that a schema does not know is an error, and so is a reference to a ConfigMap or workload that no file defines. The Secret is
made by hand.
"""
import re
import sys
from pathlib import Path

import cloudcoil.models.keda.v1alpha1 as keda
import compose_spec
import kubernetes_validate
import yaml

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
KUBERNETES = "1.37"


def check_kubernetes(document):
    kubernetes_validate.validate(document, KUBERNETES, strict=True)


def check_keda(document):
    """The models drop what they do not know, so a document that comes back changed has an unknown field."""
    model = getattr(keda, document["kind"]).model_validate(document)
    back = model.model_dump(by_alias=True, exclude_none=True, mode="json")
    if back != document:
        raise ValueError(f"unknown fields: {document} is read as {back}")


def check_references(documents):
    """What the documents name is there, under the labels that are looked for."""
    known = {(document["kind"], document["metadata"]["name"]) for document in documents}
    labels = [document["spec"]["template"]["metadata"]["labels"] for document in documents if document["kind"] == "Deployment"]
    for document in documents:
        kind, spec = document["kind"], document.get("spec", {})
        named, selector = [], None
        if kind == "Deployment":
            named = [("ConfigMap", source["configMapRef"]["name"]) for source in sources_of(spec) if "configMapRef" in source]
            selector = spec["selector"]["matchLabels"]
        elif kind == "PodDisruptionBudget":
            selector = spec["selector"]["matchLabels"]
        elif kind == "Service":
            selector = spec["selector"]
        elif kind == "ScaledObject":
            named = [("Deployment", spec["scaleTargetRef"]["name"])]
            named += [("TriggerAuthentication", trigger["authenticationRef"]["name"]) for trigger in spec["triggers"]]
        missing = [name for name in named if name not in known]
        if missing:
            raise ValueError(f"{kind} names what no file defines: {missing}")
        if selector and not any(selector.items() <= each.items() for each in labels):
            raise ValueError(f"{kind} selects no pod: {selector}")


def sources_of(spec):
    return [source for container in spec["template"]["spec"]["containers"] for source in container["envFrom"]]


def check_compose(path):
    """What a user gives is filled in first, as Compose does, and YAML's merge keys are resolved."""
    document = yaml.safe_load(re.sub(r"(?<!\$)\$\{\w+[^}]*\}", "given", path.read_text()))
    own = {name: part for name, part in document.items() if not name.startswith("x-")}
    compose = compose_spec.PyCompose.from_yaml(yaml.safe_dump(own))
    compose.validate()
    for service in own["services"].values():
        named = [volume.split(":")[0] for volume in service.get("volumes", ()) if ":" in volume]
        missing = [name for name in named if name not in own["volumes"]]
        missing += [name for name in service.get("depends_on", ()) if name not in own["services"]]
        if missing:
            raise ValueError(f"named and not there: {missing}")


def main():
    documents = []
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            try:
                (check_keda if document["apiVersion"].startswith("keda.sh/") else check_kubernetes)(document)
            except Exception as error:
                sys.exit(f"{path}: {document['kind']} {document['metadata']['name']}: {error}")
            documents.append(document)
    check_references(documents)
    check_compose(DEPLOY / "compose.yaml")
    print(f"{len(documents)} objects of Kubernetes and KEDA, and the Compose file, are as their schemas say")


if __name__ == "__main__":
    main()

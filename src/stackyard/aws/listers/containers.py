"""ECS, ECR and the scaling of services."""

from collections.abc import Iterator

from stackyard.aws.listers.search import Leftover, Search, batches, pages, tag_map


def ecs(search: Search) -> Iterator[Leftover]:
    """Services that are not inactive, running tasks of such services with them, active task definitions, and clusters
    by their tag. AWS keeps inactive ones for a while, for nothing."""
    client = search.client("ecs")
    clusters = list(pages(client, "list_clusters", "clusterArns"))
    for batch in batches(clusters, 100):
        for found in client.describe_clusters(clusters=batch, include=["TAGS"])["clusters"]:
            if found["status"] != "INACTIVE" and search.owns("", tag_map(found.get("tags", []))):
                arn = found["clusterArn"]
                yield Leftover("ecs", "cluster", arn, f"aws ecs delete-cluster --cluster {arn}")
    for cluster in clusters:
        for batch in batches(pages(client, "list_services", "serviceArns", cluster=cluster), 10):
            for service in client.describe_services(cluster=cluster, services=batch, include=["TAGS"])["services"]:
                if service["status"] != "INACTIVE" and search.owns(
                    service["serviceName"], tag_map(service.get("tags", []))
                ):
                    yield Leftover(
                        "ecs",
                        "service",
                        service["serviceArn"],
                        f"aws ecs delete-service --force --cluster {cluster} --service {service['serviceName']}",
                    )
    for arn in pages(client, "list_task_definitions", "taskDefinitionArns", status="ACTIVE"):
        family = arn.rpartition("/")[2].partition(":")[0]
        if not search.may_own(family):
            continue
        tags = client.describe_task_definition(taskDefinition=arn, include=["TAGS"]).get("tags", [])
        if search.owns(family, tag_map(tags)):
            yield Leftover("ecs", "task definition", arn, f"aws ecs deregister-task-definition --task-definition {arn}")


def ecr(search: Search) -> Iterator[Leftover]:
    """Repositories, with how many images lie in them."""
    client = search.client("ecr")
    for repository in pages(client, "describe_repositories", "repositories"):
        name, arn = repository["repositoryName"], repository["repositoryArn"]
        if search.may_own(name) and search.owns(name, tag_map(client.list_tags_for_resource(resourceArn=arn)["tags"])):
            yield Leftover("ecr", "repository", name, f"aws ecr delete-repository --force --repository-name {name}")


def autoscaling(search: Search) -> Iterator[Leftover]:
    """Scalable targets of ECS services. Terraform's provider 3.39 gives them no tags, so the service's name decides."""
    client = search.client("application-autoscaling")
    for target in pages(client, "describe_scalable_targets", "ScalableTargets", ServiceNamespace="ecs"):
        if target["ResourceId"].rpartition("/")[2] == search.name:
            yield Leftover(
                "application-autoscaling",
                "scalable target",
                target["ResourceId"],
                "aws application-autoscaling deregister-scalable-target --service-namespace ecs "
                f"--scalable-dimension {target['ScalableDimension']} --resource-id {target['ResourceId']}",
            )

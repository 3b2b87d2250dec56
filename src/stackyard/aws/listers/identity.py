"""IAM, and whatever carries the tag in a service that no other function here asks."""

from collections.abc import Iterator

from stackyard.aws.listers.search import EDGE_REGION, Leftover, Search, pages, tag_map

# fmt: off
ASKED_DIRECTLY = frozenset({
    "application-autoscaling", "cloudfront", "cloudwatch", "ec2", "ecr", "ecs", "elasticache", "elasticloadbalancing",
    "iam", "logs", "rds", "route53", "s3", "secretsmanager", "sqs", "wafv2",
})
# fmt: on
"""Services by the name in their ARNs. The tagging API still tells of things some time after they went, so where a
service can be asked itself, its word counts."""


def iam(search: Search) -> Iterator[Leftover]:
    """Roles, the account's own policies, and who may sign in from outside."""
    client = search.client("iam")
    for role in pages(client, "list_roles", "Roles"):
        name = role["RoleName"]
        if search.may_own(name) and search.owns(name, tag_map(pages(client, "list_role_tags", "Tags", RoleName=name))):
            yield Leftover(
                "iam", "role", name, f"Detach and delete its policies, then: aws iam delete-role --role-name {name}"
            )
    for policy in pages(client, "list_policies", "Policies", Scope="Local"):
        name, arn = policy["PolicyName"], policy["Arn"]
        if search.may_own(name) and search.owns(
            name, tag_map(pages(client, "list_policy_tags", "Tags", PolicyArn=arn))
        ):
            yield Leftover("iam", "policy", arn, f"aws iam delete-policy --policy-arn {arn}")
    for provider in pages(client, "list_open_id_connect_providers", "OpenIDConnectProviderList"):
        arn = provider["Arn"]
        if search.owns(
            arn, tag_map(pages(client, "list_open_id_connect_provider_tags", "Tags", OpenIDConnectProviderArn=arn))
        ):
            delete = f"aws iam delete-open-id-connect-provider --open-id-connect-provider-arn {arn}"
            yield Leftover("iam", "oidc-provider", arn, delete)


def tagged(search: Search) -> Iterator[Leftover]:
    """Everything else, by the tagging API: in the sandbox's region, and where CloudFront's certificates are."""
    filters = [{"Key": search.tag_key, "Values": [search.tag_value]}]
    for region in sorted({search.access.region, EDGE_REGION}):
        client = search.client("resourcegroupstaggingapi", region=region)
        for item in pages(client, "get_resources", "ResourceTagMappingList", TagFilters=filters):
            arn = item["ResourceARN"]
            service = arn.split(":")[2]
            if service not in ASKED_DIRECTLY:
                yield Leftover(service, "resource", arn, f"Delete it in the console of {service} in {region}.")

"""Where moto answers otherwise than AWS in a way that Terraform's provider trips over, it is mended here.

Each patch first looks whether what it changes is still there, and refuses to start the emulator when moto has changed:
a patch that silently does nothing would show up much later as a Terraform run that hangs. Those of `speed` change no
answer: they spare work that moto does again for each request.
"""

from stackyard.aws.emulator.patches import containers, data, identity, network, pipelines, speed, stacks

PATCHES = (
    containers.services_run_at_once,
    containers.services_keep_what_they_were_given,
    containers.services_name_their_revision_by_its_arn,
    containers.settings_of_a_cluster_can_change,
    containers.scaling_policies_are_found_by_name,
    data.cache_clusters_answer_like_aws,
    data.cache_clusters_go_when_deleted,
    data.cache_subnet_groups_can_be_deleted,
    data.redrive_policies_are_compact,
    identity.accounts_share_managed_policies,
    network.deleted_groups_lose_their_tags,
    network.deleted_records_can_be_made_again,
    network.ec2_classic_is_gone,
    network.own_certificates_replace_the_default_one,
    network.cache_policies_replace_forwarded_values,
    pipelines.events_start_pipelines,
    pipelines.executions_name_their_source,
    pipelines.a_pipeline_is_source_enough,
    pipelines.builds_tell_how_they_are,
    speed.requests_find_their_account,
    speed.modules_are_listed_once,
    speed.actions_are_listed_once,
    speed.certificates_share_a_key,
    stacks.buckets_are_as_stacks_say,
    stacks.stacks_make_pipelines,
)


def apply_patches() -> None:
    """Mend moto in this process. Unusable when moto no longer has what a patch changes."""
    for patch in PATCHES:
        patch()

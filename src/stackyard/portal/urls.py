"""The portal's addresses. `private` pages ask for a sign-in first; what a person may see there is `cmdb.rights`."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.urls import URLPattern, path

from stackyard.portal.views import (
    account,
    addresses,
    change,
    departments,
    environments,
    fqdns,
    lifetimes,
    new_environment,
    patterns,
    people,
    products,
    proof,
    runs,
    sandboxes,
    tokens,
    upgrade,
)

app_name = "portal"


def private(route: str, view: Callable[..., Any], name: str) -> URLPattern:
    """A page for people who are signed in."""
    return path(route, login_required(view), name=name)


urlpatterns = [
    path("login/", account.SignIn.as_view(), name="login"),
    path("logout/", account.SignOut.as_view(), name="logout"),
    private("", account.home, "home"),
    private("account/", account.account, "account"),
    private("environments/", environments.environments, "environments"),
    private("environments/new/", new_environment.new_environment, "new-environment"),
    private("environments/new/live/", new_environment.live_parts, "new-environment-live"),
    private("environments/new/settings/", new_environment.settings_part, "new-environment-settings"),
    private("environments/new/preview/", new_environment.preview_part, "new-environment-preview"),
    private("environments/<slug:uid>/", environments.environment, "environment"),
    private("environments/<slug:uid>/change/", change.change_environment, "change-environment"),
    private("environments/<slug:uid>/change/live/", change.change_live, "change-environment-live"),
    private("environments/<slug:uid>/upgrade/", upgrade.upgrade_environment, "upgrade-environment"),
    private("environments/<slug:uid>/upgrade/live/", upgrade.upgrade_live, "upgrade-environment-live"),
    private("environments/<slug:uid>/back/", change.back, "environment-back"),
    private("environments/<slug:uid>/extend/", lifetimes.extend_environment, "extend-environment"),
    private("environments/<slug:uid>/drift/", lifetimes.look_for_drift, "look-for-drift"),
    private("environments/<slug:uid>/drift/repair/", lifetimes.repair_drift, "repair-drift"),
    private("environments/<slug:uid>/drift/accept/", lifetimes.accept_drift, "accept-drift"),
    private("environments/<slug:uid>/prove/", proof.prove_again, "prove-path"),
    private("environments/<slug:uid>/destroy/", environments.destroy_environment, "destroy-environment"),
    private("environments/<slug:uid>/fqdns/add/", fqdns.add, "add-fqdn"),
    private("environments/<slug:uid>/fqdns/remove/", fqdns.remove, "remove-fqdn"),
    private("runs/", runs.runs, "runs"),
    private("runs/<int:run_id>/", runs.run, "run"),
    private("runs/<int:run_id>/outlook/", runs.outlook, "run-outlook"),
    private("runs/<int:run_id>/cancel/", runs.cancel, "cancel-run"),
    private("runs/<int:run_id>/approve/", runs.approve, "approve-run"),
    private("runs/<int:run_id>/reject/", runs.reject, "reject-run"),
    private("runs/<int:run_id>/repeat/", change.repeat, "repeat-run"),
    private("runs/<int:run_id>/log.txt", runs.log_text, "run-log"),
    private("notices/", lifetimes.notices, "notices"),
    private("notices/<int:notice_id>/dismiss/", lifetimes.dismiss_notice, "dismiss-notice"),
    private("patterns/", patterns.patterns, "patterns"),
    private("patterns/<slug:name>/", patterns.pattern, "pattern"),
    private("patterns/<slug:name>/impact/", patterns.pattern_impact, "pattern-impact"),
    private("products/", products.products, "products"),
    private("products/new/", products.new_product, "new-product"),
    private("products/<slug:name>/", products.product, "product"),
    private("products/<slug:name>/edit/", products.edit_product, "edit-product"),
    private("sandboxes/", sandboxes.sandboxes, "sandboxes"),
    private("sandboxes/new/", sandboxes.new_sandbox, "new-sandbox"),
    private("sandboxes/<slug:name>/", sandboxes.sandbox, "sandbox"),
    private("sandboxes/<slug:name>/edit/", sandboxes.edit_sandbox, "edit-sandbox"),
    private("sandboxes/<slug:name>/policies/", sandboxes.policies, "sandbox-policies"),
    private("sandboxes/<slug:name>/check/", sandboxes.check, "check-sandbox"),
    private("sandboxes/<slug:name>/bootstrap/", sandboxes.bootstrap, "bootstrap-sandbox"),
    private("sandboxes/<slug:name>/apply/", sandboxes.apply_baseline, "apply-baseline"),
    private("sandboxes/<slug:name>/destroy-baseline/", sandboxes.destroy_baseline, "destroy-baseline"),
    private("sandboxes/<slug:name>/retire/", sandboxes.retire, "retire-sandbox"),
    private("sandboxes/<slug:name>/reinstate/", sandboxes.reinstate, "reinstate-sandbox"),
    private("addresses/", addresses.addresses, "addresses"),
    private("addresses/cidr.csv", addresses.as_file, "address-csv"),
    private("addresses/new/", addresses.new_pool, "new-address-pool"),
    private("addresses/<slug:name>/", addresses.pool, "address-pool"),
    private("addresses/<slug:name>/edit/", addresses.edit, "edit-address-pool"),
    private("addresses/<slug:name>/delete/", addresses.delete, "delete-address-pool"),
    private("addresses/<slug:name>/note/", addresses.note, "note-address-block"),
    private("addresses/<slug:name>/release/<int:block_id>/", addresses.release, "release-address-block"),
    private("departments/", departments.departments, "departments"),
    private("departments/new/", departments.new_department, "new-department"),
    private("departments/<slug:name>/", departments.department, "department"),
    private("departments/<slug:name>/edit/", departments.edit_department, "edit-department"),
    private("people/", people.people, "people"),
    private("people/new/", people.new_person, "new-person"),
    private("people/<int:user_id>/", people.person, "person"),
    private("people/<int:user_id>/edit/", people.edit_person, "edit-person"),
    private("people/<int:user_id>/password/", people.set_password, "person-password"),
    private("people/<int:user_id>/roles/new/", people.new_role, "new-role"),
    private("people/<int:user_id>/roles/<int:role_id>/remove/", people.remove_role, "remove-role"),
    private("tokens/", tokens.tokens, "tokens"),
    private("tokens/<int:token_id>/revoke/", tokens.revoke, "revoke-token"),
]

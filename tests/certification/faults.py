"""For every row of D1 to D4, D6, D7 and D9, a fault in the tool that breaks its rule: by it, the row's test shows that
it can fail.

A fault replaces one line of a function while the test runs. Most are what a hurried change could do; where a rule is
kept at two places, the fault sits where it defeats both.
"""

from __future__ import annotations
import __future__

import ast
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import CodeType, FunctionType
from typing import Any

LOGIN = "ltitools.lti.login"
VERIFY = "ltitools.lti.launch"
CLAIMS = "ltitools.lti.claims"
KEYS = "ltitools.lti.keys"
LAUNCHES = "ltitools.services.launches"
PLATFORM_KEYS = "ltitools.services.platform_keys"
WEB = "ltitools.web.lti"
SERVICES = "ltitools.lti.services"
PAGING = "ltitools.lti.paging"
NRPS = "ltitools.lti.nrps"
AGS = "ltitools.lti.ags"
ROSTERS = "ltitools.services.rosters"
COLUMNS = "ltitools.services.columns"
GRADES = "ltitools.services.grades"
DIALECT = "ltitools.lti.platforms.base:Dialect.score_document"
REGISTRATION = "ltitools.lti.registration"
REGISTERING = "ltitools.services.registering"
REGISTERED = "ltitools.web.registration"


@dataclass(frozen=True)
class Fault:
    """In the function `target` (module:name), the line `old` is `new` instead."""

    row: int
    target: str
    old: str
    new: str


INCOMPLETE = 'raise refused("login-incomplete", f"{name} is missing")'
CHECK_MESSAGE = "_check_message(signed)"
TRUSTING = 'return SignedClaims(json.loads(urlsafe_b64decode(token.split(".")[1] + "===")))'
FILL_IN = (
    "[signed.setdefault(names.LTI + name, value) for name, value in {'version': '1.3.0', 'deployment_id': '1',"
    " 'message_type': 'LtiResourceLinkRequest', 'roles': [], 'resource_link': {'id': '1'},"
    " 'target_link_uri': login.target_link_uri}.items()]; _check_message(signed)"
)
IS_ROLES = "if not isinstance(claims.get(names.ROLES), list):"
HAS_SUB = 'if not _is_text(claims.get("sub")):'
TIMES = 'issued, expires, not_before = (_time(claims.get(name)) for name in ("iat", "exp", "nbf"))'
USE_UP = 'used = session.execute(_USE_UP, {**of_login, "used_at": utcnow()}).first()'
READ_ROLE = "found = CONTEXT_ROLE.fullmatch(role_str)"
GIVEN_ROLES = "named = {ROLES: [role for role in claims.get(ROLES) or () if isinstance(role, str)]}"
THEIR_ROLES = "return frozenset(role for role, check in _ROLES.items() if check(named).check())"
AUDIENCE = 'audience = claims.get("aud")'
MEMBERS_PAGE = "return call_json(http, token, address, MEMBERS_TYPE, dict)"
FILTERED = "if member is not None and (role is None or role in member.roles):"
STATUS = 'status=STATUSES.get(names.text_of(entry.get("status")).lower(), "active"),'
MATCHING = "wanted = {FILTERS[name]: value for name, value in filters.items()}"
POST_SCORE = 'return call(http, token, "POST", below(line_item_url, "scores"), {"Content-Type": SCORE_TYPE}, body)'
POST_BODY = "body = json.dumps(dialect.score_document(score)).encode()"
BELOW = """return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}"))"""
NEXT_TIME = "grade.timestamp = max(now, grade.timestamp + STEP if posted else grade.timestamp)"
LIMITED = "def page(address: str) -> tuple[Response, Any]:\n        address = with_query(address, limit='50')"
CAN_CREATE = "return bool(link.line_items_url) and {LINE_ITEM, SCORE} <= set(link.service_scopes)"
TAKES = "return bool(link.line_item_url) and SCORE in link.service_scopes"
MAY_REVIEW = "if message.for_user_id != message.sub and message.roles.isdisjoint(INSTRUCTORS):"
FETCH = (
    '"GET", url, headers=headers, max_bytes=CONFIGURATION_BYTES, total_timeout=CONFIGURATION_SECONDS',
    '"GET", url, headers=headers',
)
CLAIMS_ASKED = "claims = [name for name in offer.claims if platform.claims is None or name in platform.claims]"
CLIENT_ID = 'client_id = text_of(document.get("client_id")) or text_of(inner.get("client_id"))'
OF_LINK = "select(Invitation).where(Invitation.tenant_id == tenant.id, Invitation.code_hash == hash_token(code))"


FAULTS = (
    Fault(1, f"{WEB}:login", "asked = logins.read_login(request.values)", "asked = logins.read_login(request.form)"),
    Fault(2, f"{LOGIN}:read_login", INCOMPLETE, 'parameters = {**parameters, name: "https://lms.example.test"}'),
    Fault(3, f"{LOGIN}:read_login", INCOMPLETE, 'parameters = {**parameters, name: ""}'),
    Fault(
        4,
        f"{LOGIN}:read_login",
        INCOMPLETE,
        'parameters = {**parameters, name: "https://tool.example.test/lti/acme/launch"}',
    ),
    Fault(
        5,
        f"{LAUNCHES}:find_registration",
        'of_issuer = session.scalars(_OF_ISSUER, {"tenant_id": tenant.id, "issuer": issuer}).all()',
        "of_issuer = session.scalars(select(Registration).where(Registration.tenant_id == tenant.id)).all()",
    ),
    Fault(
        6,
        f"{LAUNCHES}:find_registration",
        "matching = [found for found in of_issuer if client_id in (None, found.client_id)]",
        "matching = list(of_issuer)",
    ),
    Fault(7, f"{LAUNCHES}:find_registration", "if len(matching) > 1:", "if not matching:"),
    Fault(
        8,
        f"{LOGIN}:authorization_url",
        'request["lti_message_hint"] = login.lti_message_hint',
        'request["lti_message_hint"] = login.lti_message_hint.replace("+", " ")',
    ),
    Fault(
        9, f"{LOGIN}:authorization_url", '"login_hint": login.login_hint,', '"login_hint": login.login_hint.lower(),'
    ),
    Fault(10, f"{LOGIN}:authorization_url", '"prompt": "none",', '"prompt": "login",'),
    Fault(
        11,
        f"{LOGIN}:authorization_url",
        "query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *request.items()])",
        "query = urlencode(request)",
    ),
    Fault(
        12,
        f"{LOGIN}:new_state",
        "return new_secret(), new_secret()",
        "return new_secret()[:11], new_secret()[:11]",
    ),
    Fault(
        13,
        f"{LOGIN}:check_target",
        'if (target.scheme, target.netloc) != (own.scheme, own.netloc) or "\\\\" in target_link_uri:',
        "if target.hostname and not target.hostname.startswith(own.netloc):",
    ),
    Fault(
        14,
        f"{LOGIN}:read_login",
        'deployment_id=parameters.get("lti_deployment_id") or parameters.get("deployment_id") or None,',
        'deployment_id=parameters.get("lti_deployment_id"),',
    ),
    Fault(
        15,
        f"{WEB}:_binding",
        "names = (sessions.COOKIE, sessions.login_cookie(state))",
        "names = (sessions.COOKIE,)",
    ),
    Fault(16, f"{LAUNCHES}:find_login", "if login.expires_at <= utcnow():", "if False:"),
    Fault(
        17,
        "ltitools.web.headers:_add",
        'headers.setdefault("Cache-Control", "no-store")',
        'headers.setdefault("Cache-Control", "private")',
    ),
    Fault(18, f"{VERIFY}:_read_header", 'kid = header.get("kid")', 'kid = header.get("kid") or "platform-key-1"'),
    Fault(19, f"{VERIFY}:verify", "key = key_named(kid)", 'key = key_named(kid) or key_named("platform-key-1")'),
    Fault(
        20,
        f"{VERIFY}:_check_message",
        'if claims.get(names.VERSION) != "1.3.0":',
        'if claims.update({names.VERSION: "1.3.0"}):',
    ),
    Fault(
        21,
        f"{VERIFY}:_check_message",
        'if claims.get(names.VERSION) != "1.3.0":',
        'if claims.setdefault(names.VERSION, "1.3.0") != "1.3.0":',
    ),
    Fault(22, f"{VERIFY}:verify", CHECK_MESSAGE, FILL_IN),
    Fault(23, f"{VERIFY}:verify", CHECK_MESSAGE, FILL_IN),
    Fault(24, f"{VERIFY}:verify", "_check_times(signed, now, tolerance)", "pass"),
    Fault(
        25,
        f"{VERIFY}:_check_message",
        "message_type = claims.get(names.MESSAGE_TYPE)",
        "message_type = claims.setdefault(names.MESSAGE_TYPE, names.RESOURCE_LINK_REQUEST)",
    ),
    Fault(26, f"{VERIFY}:_check_message", IS_ROLES, "if not isinstance(claims.setdefault(names.ROLES, []), list):"),
    Fault(
        27,
        f"{VERIFY}:_check_message",
        "if not _is_text(claims.get(names.DEPLOYMENT_ID)):",
        'if not _is_text(claims.setdefault(names.DEPLOYMENT_ID, "1")):',
    ),
    Fault(
        28,
        f"{VERIFY}:verify",
        CHECK_MESSAGE,
        'signed.setdefault(names.RESOURCE_LINK, {}).setdefault("id", "1"); _check_message(signed)',
    ),
    Fault(29, f"{VERIFY}:_check_message", HAS_SUB, 'if not _is_text(claims.setdefault("sub", "anonymous")):'),
    Fault(
        30,
        f"{VERIFY}:_check_signature",
        "payload = jws.deserialize_compact(token, key, algorithms=[ALGORITHM]).payload",
        "payload = jws.extract_compact(token.encode()).payload",
    ),
    Fault(31, f"{VERIFY}:verify", "kid = _read_header(token)", TRUSTING),
    Fault(32, f"{VERIFY}:verify", "kid = _read_header(token)", TRUSTING),
    Fault(33, f"{VERIFY}:verify", "kid = _read_header(token)", TRUSTING),
    Fault(
        34,
        f"{KEYS}:platform_keys",
        'if entry.get("kty") != "RSA" or entry.get("use", "sig") != "sig" or entry.get("alg", ALGORITHM) != ALGORITHM:',
        'if entry.get("kty") != "RSA":',
    ),
    Fault(
        35,
        f"{VERIFY}:_check_parties",
        'if claims.get("iss") != platform.issuer:',
        'if str(claims.get("iss")).rstrip("/") != platform.issuer:',
    ),
    Fault(36, f"{VERIFY}:_check_parties", AUDIENCE, "audience = platform.client_id"),
    Fault(
        37,
        f"{VERIFY}:_check_parties",
        "if set(map(str, audiences)) - {platform.client_id, platform.issuer}:",
        "if not audiences:",
    ),
    Fault(38, f"{VERIFY}:_check_parties", 'if len(audiences) > 1 and "azp" not in claims:', "if not audiences:"),
    Fault(
        39,
        f"{VERIFY}:_check_parties",
        'if claims.get("azp", platform.client_id) != platform.client_id:',
        "if not audiences:",
    ),
    Fault(40, f"{VERIFY}:_check_parties", AUDIENCE, "audience = platform.client_id"),
    Fault(41, f"{VERIFY}:_check_times", TIMES, TIMES.replace("claims.get(name)", "claims.get(name, now)")),
    Fault(42, f"{VERIFY}:_check_times", TIMES, TIMES.replace("claims.get(name)", "claims.get(name, now)")),
    Fault(43, f"{VERIFY}:_check_times", "if expires <= now - tolerance:", "if expires <= issued:"),
    Fault(44, f"{VERIFY}:_check_times", "if expires <= now - tolerance:", "if expires <= now:"),
    Fault(45, f"{VERIFY}:_check_times", "if issued < now - MAX_AGE - tolerance:", "if issued < 0:"),
    Fault(46, f"{VERIFY}:verify", "_check_nonce(signed, login)", "pass"),
    Fault(
        47,
        f"{VERIFY}:_check_nonce",
        "if not hmac.compare_digest(hash_token(nonce), login.nonce_hash):",
        "if not login.nonce_hash:",
    ),
    Fault(48, f"{VERIFY}:verify", "_check_nonce(signed, login)", 'signed["nonce"]'),
    Fault(49, f"{LAUNCHES}:use_up", USE_UP, USE_UP.replace("utcnow()", "None")),
    Fault(50, f"{LAUNCHES}:use_up", "if used is None:", "if used is None and login.used_at is not None:"),
    Fault(
        51, f"{WEB}:launch", "claims = verify(", "launches.use_up(pending.login); session.commit(); claims = verify("
    ),
    Fault(52, f"{LAUNCHES}:find_login", "if login.expires_at <= utcnow():", "if login.expires_at is None:"),
    Fault(
        53,
        f"{WEB}:_binding",
        'if any(hash_token(request.cookies.get(name, "")) == login.browser_hash for name in names):',
        "if any(name in request.cookies for name in names) or request.form.get('layer') == '':",
    ),
    Fault(54, f"{WEB}:_platform_error", "launches.use_up(pending.login)", "pass"),
    Fault(
        55,
        f"{LAUNCHES}:_deployment",
        'state = "approved" if registration.deployments_policy == "auto" else "pending"',
        'state = "approved"',
    ),
    Fault(56, f"{VERIFY}:verify", "_check_target(signed, login, public_url)", "pass"),
    Fault(57, f"{PLATFORM_KEYS}:_take_turn", "return taken is not None", "return True"),
    Fault(
        58,
        f"{KEYS}:platform_keys",
        'if entry.get("kty") != "RSA" or entry.get("use", "sig") != "sig" or entry.get("alg", ALGORITHM) != ALGORITHM:',
        'if entry.get("kty") != "RSA" or entry.get("alg") != ALGORITHM:',
    ),
    Fault(59, f"{PLATFORM_KEYS}:_fetch", "if answer.status != 200:", "if answer.status == 302:"),
    Fault(
        60, f"{VERIFY}:verify", CHECK_MESSAGE, f"{CHECK_MESSAGE} if None not in signed.values() else _check_link({{}})"
    ),
    Fault(61, f"{WEB}:launch", "if len(token) > MAX_TOKEN_BYTES:", "if len(token) > 100 * MAX_TOKEN_BYTES:"),
    Fault(62, f"{LAUNCHES}:find_login", "if not registration.enabled:", "if registration.enabled is None:"),
    Fault(
        63,
        f"{WEB}:_platform_error",
        'g.platform_error = {"error": error[:80], "description": description[:300]}',
        'g.platform_error = {"error": __import__("markupsafe").Markup(error), "description": ""}',
    ),
    Fault(64, f"{CLAIMS}:_ContextRole.parse_role_str", READ_ROLE, "found = None"),
    Fault(65, f"{CLAIMS}:_ContextRole.parse_role_str", READ_ROLE, "found = None"),
    Fault(66, f"{CLAIMS}:roles_of", GIVEN_ROLES, "named = {ROLES: claims[ROLES][:1]}"),
    Fault(67, f"{CLAIMS}:roles_of", GIVEN_ROLES, "named = {ROLES: claims[ROLES][-1:]}"),
    Fault(68, f"{CLAIMS}:_ContextRole.parse_role_str", "return role_str, None", 'return "", None'),
    Fault(69, f"{CLAIMS}:_ContextRole.parse_role_str", "return role_str, None", 'return "", None'),
    Fault(70, f"{VERIFY}:_check_message", IS_ROLES, "if not names.roles_of(claims):"),
    Fault(71, f"{VERIFY}:_check_message", IS_ROLES, "if not names.roles_of(claims):"),
    Fault(72, f"{VERIFY}:_check_message", IS_ROLES, "if not claims.get(names.ROLES):"),
    Fault(73, f"{VERIFY}:_check_message", IS_ROLES, "if not claims.get(names.ROLES):"),
    Fault(74, f"{VERIFY}:_check_message", HAS_SUB, 'if not claims.get("name"):'),
    Fault(75, f"{VERIFY}:_check_message", HAS_SUB, 'if not claims.get("given_name"):'),
    Fault(76, f"{VERIFY}:_check_message", HAS_SUB, 'if not claims.get("email"):'),
    Fault(
        77,
        f"{CLAIMS}:name_of",
        'parts = (text_of(claims.get("given_name")), text_of(claims.get("family_name")))',
        "parts = ()",
    ),
    Fault(78, f"{VERIFY}:_check_message", HAS_SUB, 'if not (claims.get("name") or claims.get("email")):'),
    Fault(79, f"{VERIFY}:_check_message", HAS_SUB, 'if not (claims.get("name") or claims.get("email")):'),
    Fault(80, f"{VERIFY}:_check_message", HAS_SUB, "if not claims.get(names.CONTEXT):"),
    Fault(81, f"{VERIFY}:_check_message", HAS_SUB, "if not claims.get(names.CONTEXT):"),
    Fault(82, f"{VERIFY}:_check_link", "link = claims.get(names.RESOURCE_LINK)", "link = claims.get(names.CONTEXT)"),
    Fault(
        83,
        f"{CLAIMS}:_ContextRole.parse_role_str",
        READ_ROLE,
        f'{READ_ROLE} if "/Instructor#" not in role_str else None',
    ),
    Fault(
        84, f"{CLAIMS}:read_message", "is_test=isinstance(roles, list) and TEST_USER_ROLE in roles,", "is_test=False,"
    ),
    Fault(
        85,
        f"{CLAIMS}:_ContextRole.parse_role_str",
        "return role_str, None",
        'return role_str.rpartition("#")[2], RoleType.CONTEXT',
    ),
    Fault(86, f"{CLAIMS}:roles_of", THEIR_ROLES, f"{THEIR_ROLES[:-1]} and role != 'mentor')"),
    Fault(87, f"{VERIFY}:_check_message", HAS_SUB, "if not claims.get(names.AGS):"),
    Fault(
        88,
        f"{CLAIMS}:_ContextRole.parse_role_str",
        READ_ROLE,
        'found = CONTEXT_ROLE.fullmatch(role_str.replace("#Member", "#"))',
    ),
    # D6
    Fault(107, f"{ROSTERS}:refresh", "url = str(course.memberships_url)", "url = course.memberships_url.lower()"),
    Fault(108, f"{NRPS}:memberships", MEMBERS_PAGE, MEMBERS_PAGE.replace("MEMBERS_TYPE", '"application/json"')),
    Fault(109, "ltitools.services.tokens:with_token", "if error.status != 401:", "if error.status:"),
    Fault(
        110, f"{ROSTERS}:refresh", "(MEMBERSHIP_READ,),", '(MEMBERSHIP_READ, MEMBERSHIP_READ.replace("readonly", "")),'
    ),
    Fault(
        111,
        f"{PAGING}:next_page",
        'header = QUOTES.sub(\'"\', answer.headers.get("link", ""))',
        'header = answer.headers.get("link", "")',
    ),
    Fault(112, f"{PAGING}:read_pages", "if url and origin(url) != origin(first):", "if not first:"),
    Fault(113, f"{ROSTERS}:_keep", "if found.complete:", "if found.members:"),
    Fault(114, f"{NRPS}:memberships", FILTERED, "if member is not None:"),
    Fault(115, f"{NRPS}:_member", STATUS, 'status="active",'),
    # D7
    Fault(116, f"{AGS}:create_line_item", ".set_resource_link_id(resource_link_id)", '.set_resource_link_id("link-1")'),
    Fault(117, f"{AGS}:list_line_items", MATCHING, "wanted: dict[str, str] = {}"),
    Fault(118, f"{AGS}:change_line_item", "changed = dict(document)", 'changed = {"tag": document["tag"]}'),
    Fault(119, f"{AGS}:delete_line_item", "check(answer, (200, 202, 204))", "pass"),
    Fault(120, f"{AGS}:post_score", POST_SCORE, POST_SCORE.replace("SCORE_TYPE", '"application/json"')),
    Fault(121, f"{SERVICES}:below", BELOW, 'return f"{url}/{name}"'),
    Fault(122, f"{GRADES}:record", "if score.given < 0 or score.maximum <= 0:", "if score.given < 0:"),
    Fault(
        123,
        f"{GRADES}:record",
        "grade.given = score.given.quantize(PLACES, ROUND_HALF_UP)",
        "grade.given = min(score.given, score.maximum)",
    ),
    Fault(124, f"{GRADES}:_renew", NEXT_TIME, "grade.timestamp = now"),
    Fault(125, DIALECT, '.set_grading_progress("FullyGraded")', '.set_grading_progress("Pending")'),
    Fault(126, f"{GRADES}:clear", "grade.given = None", "grade.given *= 0"),
    Fault(
        127,
        f"{AGS}:post_score",
        POST_BODY,
        POST_BODY.replace("score)", '__import__("dataclasses").replace(score, user_id="1"))'),
    ),
    Fault(128, f"{AGS}:_list", "def page(address: str) -> tuple[Response, Any]:", LIMITED),
    Fault(129, f"{COLUMNS}:can_create", CAN_CREATE, CAN_CREATE.replace("LINE_ITEM, ", "")),
    Fault(130, f"{GRADES}:takes_scores", TAKES, "return True"),
    Fault(131, f"{LAUNCHES}:_check_review", MAY_REVIEW, "if not message.sub:"),
)
FAULTS_OF_REGISTRATION = (
    Fault(
        142,
        f"{REGISTRATION}:fetch_configuration",
        'headers = {"Accept": "application/json", **_bearer(token)}',
        'headers = {"Accept": "application/json"}',
    ),
    Fault(
        143,
        f"{REGISTRATION}:read_configuration",
        "if not dialect_of(product).may_speak_for(issuer, url):",
        "if not issuer:",
    ),
    Fault(144, f"{REGISTRATION}:fetch_configuration", *FETCH),
    Fault(
        145,
        f"{REGISTRATION}:wanted_scopes",
        "return tuple(scope for scope in wanted if platform.scopes is None or scope in platform.scopes)",
        "return wanted",
    ),
    Fault(146, f"{REGISTRATION}:tool_document", CLAIMS_ASKED, "claims = list(offer.claims)"),
    Fault(
        147,
        "ltitools.lti.platforms.canvas:Canvas.messages",
        "named = [EXTENSION + place for place in places if place in known]",
        "named = places[:1]",
    ),
    Fault(148, f"{REGISTRATION}:read_registered", CLIENT_ID, 'client_id = text_of(document.get("client_id"))'),
    Fault(
        149,
        f"{REGISTERING}:register",
        "if done := finished(tenant, invitation, token):",
        "if done := None:",
    ),
    Fault(150, f"{REGISTERING}:_keep", "if found is None:", "if found is None or found.enabled:"),
    Fault(151, f"{REGISTERED}:_problem_page", "words=problem.words,", 'words="",'),
    Fault(152, "ltitools.web.headers:_policy", """"script-src 'self'",""", """"script-src 'none'","""),
    Fault(
        153,
        "ltitools.services.invitations:find",
        OF_LINK,
        "select(Invitation).where(Invitation.tenant_id == tenant.id)",
    ),
    Fault(154, f"{REGISTERED}:_offer_page", "g.frame_origins = platform.origins", "g.frame_origins = ()"),
)


@contextmanager
def applied(fault: Fault) -> Iterator[None]:
    """The tool with the fault in it."""
    function = _function(fault.target)
    whole = function.__code__
    function.__code__ = _faulty_code(function, fault)
    try:
        yield
    finally:
        function.__code__ = whole


def _function(target: str) -> FunctionType:
    module, _, path = target.partition(":")
    found: Any = import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    function = inspect.unwrap(found)
    assert isinstance(function, FunctionType)
    return function


def _faulty_code(function: FunctionType, fault: Fault) -> CodeType:
    """The function's code with the one line replaced, compiled as part of its own module."""
    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    places = [number for number, line in enumerate(lines) if line.strip() == fault.old]
    assert len(places) == 1, f"row {fault.row}: {fault.old!r} stands {len(places)} times in {fault.target}"
    line = lines[places[0]]
    lines[places[0]] = line[: len(line) - len(line.lstrip())] + fault.new
    tree = ast.parse("\n".join(lines))
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list.clear()
    flags = __future__.annotations.compiler_flag
    module = compile(tree, function.__code__.co_filename, "exec", flags, dont_inherit=True)
    inside = (const for const in module.co_consts if isinstance(const, CodeType))
    return next(code for code in inside if code.co_name == function.__name__)

"""A case-management API of parts that no one here wrote: Django REST framework behind Authlib.

Data flow: a client's id and secret at ``/oauth2/token`` (RFC 6749, section 4.4, by Authlib) -> a
bearer token that lives some seconds -> dossiers at ``/api/ho-so/`` by the framework's own views and
paging, to those who show the token (RFC 6750); others get a 401. A dossier that is deleted stays as
a tombstone with a new time of change. The rows live in a SQLite file.

Run it alone: ``python -m tests.sources.real_servers cases FOLDER`` prints the port.

What does not belong here: the dossiers; each test makes its own through the API.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.models import ClientMixin, TokenMixin
from authlib.oauth2.rfc6750 import BearerTokenValidator
from django.conf import settings
from flask import Flask, Response, request

CLIENT, CLIENT_SECRET = "kho-du-lieu", "bi-mat-cua-kho/+=7"
TOKENS, RECORDS = "/oauth2/token", "/api/ho-so/"
SCOPE = "ho_so.doc"
"""What a token must be asked for."""
LIFE = 3600
"""Seconds that a token lives."""
PAGE = 20


@dataclass(frozen=True)
class _Client(ClientMixin):  # type: ignore[misc]
    """The one client that is known."""

    client_id: str = CLIENT

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic" and endpoint == "token"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"

    def get_allowed_scope(self, scope: str | None) -> str | None:
        return SCOPE if scope == SCOPE else None


@dataclass(frozen=True)
class _Token(TokenMixin):  # type: ignore[misc]
    """A token handed out, and when it ends."""

    ends: float

    def is_expired(self) -> bool:
        return time.time() >= self.ends

    def is_revoked(self) -> bool:
        return False

    def get_scope(self) -> str:
        return ""


class _Validator(BearerTokenValidator):  # type: ignore[misc]
    """Knows the tokens handed out."""

    def __init__(self, tokens: dict[str, _Token]) -> None:
        super().__init__()
        self._tokens = tokens

    def authenticate_token(self, token_string: str) -> _Token | None:
        return self._tokens.get(token_string)


def dossiers(folder: Path) -> Callable[..., Iterable[bytes]]:
    """Return the framework's application over a table of its own."""
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "cases.db"},
        },
        INSTALLED_APPS=["rest_framework"],
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None,
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
            "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
            "PAGE_SIZE": PAGE,
        },
        ROOT_URLCONF=__name__,
        TIME_ZONE="Asia/Ho_Chi_Minh",
        USE_TZ=False,
    )  # fmt: skip
    django.setup()
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415 - needs the settings
    from django.db import connection, models  # noqa: PLC0415 - as above
    from rest_framework import routers, serializers, viewsets  # noqa: PLC0415 - as above

    class Dossier(models.Model):  # type: ignore[misc]  # noqa: DJ008 - no one prints it
        ma = models.CharField(max_length=40, unique=True)
        ten = models.CharField(max_length=200)
        da_xoa = models.BooleanField(default=False)
        cap_nhat = models.DateTimeField(auto_now=True)

        class Meta:
            app_label = "rest_framework"

    class Fields(serializers.ModelSerializer[Dossier]):  # type: ignore[misc]
        class Meta:
            model = Dossier
            fields = ("id", "ma", "ten", "da_xoa", "cap_nhat")

    class Dossiers(viewsets.ModelViewSet[Dossier]):  # type: ignore[misc]
        serializer_class = Fields

        def get_queryset(self) -> Any:
            since = self.request.query_params.get("tu")
            found = Dossier.objects.order_by("id")
            return found.filter(cap_nhat__gte=since) if since else found

        def perform_destroy(self, instance: Dossier) -> None:
            instance.da_xoa = True
            instance.save()

    with connection.schema_editor() as editor:
        editor.create_model(Dossier)
    router = routers.DefaultRouter()
    router.register("ho-so", Dossiers, basename="ho-so")
    urlpatterns.append(django.urls.path("api/", django.urls.include(router.urls)))
    served: Callable[..., Iterable[bytes]] = get_wsgi_application()
    return served


urlpatterns: list[Any] = []


def cases(folder: Path) -> Callable[..., Iterable[bytes]]:
    """Return the application of both: tokens, and dossiers to those who show one."""
    tokens: dict[str, _Token] = {}
    behind = dossiers(folder)
    front = Flask(__name__)
    front.config["OAUTH2_TOKEN_EXPIRES_IN"] = {"client_credentials": LIFE}

    def save(token: dict[str, Any], _: object) -> None:
        tokens[token["access_token"]] = _Token(time.time() + LIFE)

    provider = AuthorizationServer(
        front, query_client=lambda name: _Client() if name == CLIENT else None, save_token=save
    )
    provider.register_grant(ClientCredentialsGrant)
    protector = ResourceProtector()
    protector.register_token_validator(_Validator(tokens))

    @front.post(TOKENS)
    def token() -> Any:
        return provider.create_token_response()

    @front.route("/api/<path:_>", methods=["GET", "POST", "PATCH", "DELETE"])
    @protector(optional=False)  # type: ignore[untyped-decorator]
    def pass_on(_: str) -> Any:
        return Response.from_app(behind, request.environ)

    served: Callable[..., Iterable[bytes]] = front
    return served

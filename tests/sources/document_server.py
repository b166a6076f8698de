"""A document system with tokens and throttling that no one here wrote: Django REST framework.

Data flow: user name and password at ``/api/token/`` -> a token, by the framework's ``authtoken`` ->
documents at ``/api/van-ban/``, by its own views, its numbered pages and its throttle: more than so
many requests a second are answered with 429 and ``Retry-After``.

Run it alone: ``python -m tests.sources.real_servers documents FOLDER`` prints the port.

What does not belong here: what is read of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import django
from django.conf import settings

HUB, CLERK = "kho-du-lieu", "van-thu"
"""Who reads, and who writes: each has the throttle's patience to itself."""
PASSWORD = "bi-mat-cua-kho/+=8"
TOKENS, RECORDS = "/api/token/", "/api/van-ban/"
RATE = "6/second"
PAGE = 20
HELD = 130
"""Documents that are there from the beginning: to write them would take the throttle too long."""

urlpatterns: list[Any] = []


def documents(folder: Path) -> Callable[..., Iterable[bytes]]:
    """Return the framework's application over tables of its own."""
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "van-ban.db"},
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            "django.contrib.contenttypes", "django.contrib.auth", "rest_framework",
            "rest_framework.authtoken",
        ],
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": [
                "rest_framework.authentication.TokenAuthentication"
            ],
            "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
            "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
            "DEFAULT_THROTTLE_RATES": {"user": RATE},
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        },
        ROOT_URLCONF=__name__,
        TIME_ZONE="Asia/Ho_Chi_Minh",
        USE_TZ=False,
    )  # fmt: skip
    django.setup()
    from django.contrib.auth.models import User  # noqa: PLC0415 - needs the settings
    from django.core.management import call_command  # noqa: PLC0415 - as above
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415 - as above
    from django.db import connection, models  # noqa: PLC0415 - as above
    from rest_framework import pagination, routers, serializers, viewsets  # noqa: PLC0415 - as above
    from rest_framework.authtoken.views import obtain_auth_token  # noqa: PLC0415 - as above

    class Document(models.Model):  # type: ignore[misc]  # noqa: DJ008 - no one prints it
        so_ky_hieu = models.CharField(max_length=40, unique=True)
        trich_yeu = models.CharField(max_length=200)
        cap_nhat = models.DateTimeField(auto_now=True)

        class Meta:
            app_label = "rest_framework"

    class Fields(serializers.ModelSerializer[Document]):  # type: ignore[misc]
        class Meta:
            model = Document
            fields = ("id", "so_ky_hieu", "trich_yeu", "cap_nhat")

    class Pages(pagination.PageNumberPagination):  # type: ignore[misc]
        page_size = PAGE
        page_size_query_param = "size"

    class Documents(viewsets.ModelViewSet[Document]):  # type: ignore[misc]
        serializer_class = Fields
        pagination_class = Pages

        def get_queryset(self) -> Any:
            since = self.request.query_params.get("tu")
            found = Document.objects.order_by("id")
            return found.filter(cap_nhat__gte=since) if since else found

    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Document)
    for name in (HUB, CLERK):
        User.objects.create_user(name, password=PASSWORD)
    Document.objects.bulk_create(
        Document(so_ky_hieu=f"{number}/UBND-VP", trich_yeu=f"V/v việc thứ {number}")
        for number in range(1, HELD + 1)
    )
    router = routers.DefaultRouter()
    router.register("van-ban", Documents, basename="van-ban")
    urlpatterns.append(django.urls.path(TOKENS.lstrip("/"), obtain_auth_token))
    urlpatterns.append(django.urls.path("api/", django.urls.include(router.urls)))
    served: Callable[..., Iterable[bytes]] = get_wsgi_application()
    return served

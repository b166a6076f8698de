"""A simulated Vietnamese province that answers over real HTTP, for tests and first nights.

Every row here is SYNTHETIC. Units and their codes are the official ones (package
``vietnamadminunits``), code lists and message forms are those of real systems, but every dossier,
document, price and person is drawn from a seed. Personal numbers cannot belong to anybody: ids
begin with 099 (no issuing province), phones with 06 (no such range), e-mails end in example.com.

Belongs here: the province as it truly is (``dossiers``, ``procedures``, ``documents``,
``crops``, ``catalogs``), how it changes from one day to the next (``province``), what is wrong
with its records and in what known number (``dirt``, ``spoil``, ``planting``), the truth that tests
compare with (``truth``), and the servers that speak as the real systems do (``portal_app``,
``lgsp_app``, ``ckan_app``), with a control server beside them (``control_app``).

Does not belong here: anything the hub needs in production. The hub never imports this package
except to start and stop it, and the definitions in ``assets/`` do not know that it exists. Nor does
this package import ``sources``, ``checks`` or ``warehouse``: a truth computed by the code under
test would prove nothing.

Run it: ``python -m hub.sandbox --data data/sandbox --scale 2000``.
"""

"""Names what the vault reports, for those parts that know the vault only through the connector."""

from connector_vault import RestoreReport
from connector_vault.erasure import ErasurePlan, ErasureReport
from connector_vault.kekrotator import KekReport
from connector_vault.keyrotator import KeysReport
from connector_vault.status import VaultStatus

__all__ = [
    "ErasurePlan",
    "ErasureReport",
    "KekReport",
    "KeysReport",
    "RestoreReport",
    "VaultStatus",
]

"""A side of `cargo xtask bench export`: msticpy asks a hunting API and writes the answer.

msticpy_side.py PORT FORMAT FILE
"""

import sys
import warnings

warnings.simplefilter("ignore")

from msticpy.data.core.data_providers import QueryProvider

port, form, file = sys.argv[1:]
provider = QueryProvider("M365DGraph")
driver = provider._query_provider
driver.oauth_url = f"http://127.0.0.1:{port}/{{tenantId}}/oauth2/v2.0/token"
provider.connect(
    tenant_id="11111111-1111-4111-8111-111111111111",
    client_id="22222222-2222-4222-8222-222222222222",
    client_secret="bench",
    apiRoot=f"http://127.0.0.1:{port}",
)
rows = provider.exec_query("DeviceProcessEvents")
if form == "parquet":
    rows.to_parquet(file)
elif form == "csv":
    rows.to_csv(file, index=False)
else:
    rows.to_json(file, orient="records", lines=True, date_format="iso")

"""The language in which a grant says when a call may be made: parsed when a grant is made.

    client_id in [42, 43]                           every way in which a call tells the client
    amount <= 500 and currency_code == "EUR"
    project.client_id in [42]                       the record that `project_id` names
    recipients all endswith "@example.com"
    for invoices:send, delete_task: client_id == 42 for these actions only

`parts` is what a condition is made of, `grammar` reads it, `sources` says where a call tells what
it names, `checking` finds what is wrong with it, and `rules` says whether it holds.
"""

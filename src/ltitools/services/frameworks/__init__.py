"""Competency frameworks as whole things: their versions, and the files in which they come and go.

`content` is a framework as a value, `keeping` stores and loads it, `table` is CSV, `case_in` and `case_out` are
CASE 1.0 packages (https://www.imsglobal.org/sites/default/files/CASE/casev1p0/information_model/caseservicev1p0_infomodelv1p0.html).
"""

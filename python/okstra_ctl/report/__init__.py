"""The final report as data: drafted by okstra, completed by the report writer, checked, rendered (spec 4)."""

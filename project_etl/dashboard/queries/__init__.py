"""What pages ask: functions of views and days, tested without Streamlit. One module per page, or per part of one."""

print("tcd")

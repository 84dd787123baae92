"""The fusing room: from arrays, folders and videos to fused pictures, on whatever device there is."""

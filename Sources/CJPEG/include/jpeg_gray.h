#pragma once

#include <stddef.h>

/// What libjpeg says about a file: the size of its picture, or why it cannot be decoded.
struct lockstep_jpeg {
    /// Pixels of a row, and rows.
    unsigned width, height;
    /// 1 for grey, 3 for colours, 4 for inks.
    unsigned components;
    /// A text that ends with 0; empty without a fault.
    char message[200];
};

/// Reads the header of a JPEG file.
///
/// Returns whether `result` holds the size; otherwise it holds the message.
int lockstep_jpeg_read_size(const unsigned char *bytes, size_t count, struct lockstep_jpeg *result);

/// Decodes a JPEG file to one byte of brightness for each pixel, [height, width], row-major.
///
/// `gray` has room for the size that `lockstep_jpeg_read_size` returned in `result`. Returns whether all of it was written;
/// otherwise `result` holds the message.
int lockstep_jpeg_decode(
    const unsigned char *bytes, size_t count, unsigned char *gray, struct lockstep_jpeg *result);

/// Decodes a JPEG file to red, green and blue for each pixel, [height, width, 3], row-major; otherwise as `lockstep_jpeg_decode`.
int lockstep_jpeg_decode_rgb(
    const unsigned char *bytes, size_t count, unsigned char *rgb, struct lockstep_jpeg *result);

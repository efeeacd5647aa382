#include "jpeg_gray.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

/// The largest number of scans of a progressive picture. Each takes as long as a whole picture, and a few bytes hold one.
enum { scan_limit = 100 };
/// The memory of libjpeg's own buffers: a progressive picture of 64 million pixels needs 400 MB.
static const long memory_limit = 512L << 20;

/// libjpeg calls these functions where it finds a fault, and expects that the fatal ones do not return.
struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf fault;
    struct lockstep_jpeg *result;
};

static void fail(j_common_ptr jpeg) {
    struct decoder *decoder = jpeg->client_data;
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    snprintf(decoder->result->message, sizeof decoder->result->message, "%s", text);
    longjmp(decoder->fault, 1);
}

/// Called with a negative level for damage that libjpeg would paint over.
static void check_warning(j_common_ptr jpeg, int level) {
    if (level >= 0) return;
    switch (jpeg->err->msg_code) {
    // Cameras write these; the picture is whole.
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
        return;
    default:
        fail(jpeg);
    }
}

static void print_nothing(j_common_ptr jpeg) { (void)jpeg; }

static void check_scans(j_common_ptr jpeg) {
    struct decoder *decoder = jpeg->client_data;
    if (decoder->jpeg.input_scan_number <= scan_limit) return;
    snprintf(decoder->result->message, sizeof decoder->result->message, "more than %d scans", scan_limit);
    longjmp(decoder->fault, 1);
}

static void begin(struct decoder *decoder, const unsigned char *bytes, size_t count) {
    decoder->result->message[0] = 0;
    decoder->jpeg.err = jpeg_std_error(&decoder->errors);
    decoder->errors.error_exit = fail;
    decoder->errors.emit_message = check_warning;
    decoder->errors.output_message = print_nothing;
    decoder->jpeg.client_data = decoder;
    // It clears all fields except these two.
    jpeg_create_decompress(&decoder->jpeg);
    decoder->jpeg.mem->max_memory_to_use = memory_limit;
    decoder->progress.progress_monitor = check_scans;
    decoder->jpeg.progress = &decoder->progress;
    jpeg_mem_src(&decoder->jpeg, bytes, count);
    jpeg_read_header(&decoder->jpeg, TRUE);
}

/// Memory of its own, because a variable of the function that calls `setjmp` may lose its value.
static struct decoder *make_decoder(struct lockstep_jpeg *result) {
    struct decoder *decoder = calloc(1, sizeof *decoder);
    if (decoder == NULL) {
        snprintf(result->message, sizeof result->message, "no memory");
        return NULL;
    }
    decoder->result = result;
    return decoder;
}

static int end(struct decoder *decoder, int is_whole) {
    jpeg_destroy_decompress(&decoder->jpeg);
    free(decoder);
    return is_whole;
}

int lockstep_jpeg_read_size(const unsigned char *bytes, size_t count, struct lockstep_jpeg *result) {
    struct decoder *decoder = make_decoder(result);
    if (decoder == NULL) return 0;
    if (setjmp(decoder->fault)) return end(decoder, 0);
    begin(decoder, bytes, count);
    result->width = decoder->jpeg.image_width;
    result->height = decoder->jpeg.image_height;
    result->components = decoder->jpeg.num_components;
    return end(decoder, 1);
}

/// Grey from the inverted inks of four colours that printing programs write, or from plain ones.
static void mix_inks(const unsigned char *inks, unsigned width, int is_inverted, unsigned char *gray) {
    for (unsigned x = 0; x < width; x++) {
        unsigned channels[4];
        for (int channel = 0; channel < 4; channel++) {
            const unsigned value = inks[4 * x + channel];
            channels[channel] = is_inverted ? value : 255 - value;
        }
        const unsigned colour = (299 * channels[0] + 587 * channels[1] + 114 * channels[2]) / 1000;
        gray[x] = (unsigned char)(colour * channels[3] / 255);
    }
}

static void decode_colours(struct decoder *decoder, unsigned char *rgb) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    jpeg->out_color_space = JCS_RGB;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = rgb + (size_t)jpeg->output_scanline * jpeg->output_width * 3;
        jpeg_read_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_decompress(jpeg);
}

static void decode_rows(struct decoder *decoder, unsigned char *gray) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    const int has_inks = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
    jpeg->out_color_space = has_inks ? JCS_CMYK : JCS_GRAYSCALE;
    jpeg_start_decompress(jpeg);
    JSAMPARRAY inks = NULL;
    if (has_inks) {
        inks = jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE, 4 * jpeg->output_width, 1);
    }
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = gray + (size_t)jpeg->output_scanline * jpeg->output_width;
        jpeg_read_scanlines(jpeg, has_inks ? inks : &row, 1);
        if (has_inks) mix_inks(inks[0], jpeg->output_width, jpeg->saw_Adobe_marker, row);
    }
    jpeg_finish_decompress(jpeg);
}

static int decode(
    const unsigned char *bytes, size_t count, unsigned char *pixels, struct lockstep_jpeg *result,
    void (*rows)(struct decoder *, unsigned char *)) {
    const unsigned width = result->width, height = result->height;
    struct decoder *decoder = make_decoder(result);
    if (decoder == NULL) return 0;
    if (setjmp(decoder->fault)) return end(decoder, 0);
    begin(decoder, bytes, count);
    if (decoder->jpeg.image_width != width || decoder->jpeg.image_height != height) {
        snprintf(result->message, sizeof result->message, "another size than in its header");
        return end(decoder, 0);
    }
    rows(decoder, pixels);
    return end(decoder, 1);
}

int lockstep_jpeg_decode(
    const unsigned char *bytes, size_t count, unsigned char *gray, struct lockstep_jpeg *result) {
    return decode(bytes, count, gray, result, decode_rows);
}

int lockstep_jpeg_decode_rgb(
    const unsigned char *bytes, size_t count, unsigned char *rgb, struct lockstep_jpeg *result) {
    return decode(bytes, count, rgb, result, decode_colours);
}

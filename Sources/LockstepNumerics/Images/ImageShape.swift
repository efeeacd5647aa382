import CKernels

/// The shape of images in memory: [rows, blocks, height, width, lanes].
///
/// A block has `lanes` channels, which lie in the lanes of a vector; the last block may have lanes that no channel uses.
/// With one lane, images are plain: [rows, channels, height, width].
package struct ImageShape: Hashable, Sendable {
    package var channels: Int
    package var height: Int
    package var width: Int
    /// 1, 8 or 16.
    package var lanes: Int

    package init(channels: Int, height: Int, width: Int, lanes: Int = 1) {
        precondition(lanes == 1 || lanes == 8 || lanes == 16)
        self.channels = channels
        self.height = height
        self.width = width
        self.lanes = lanes
    }

    package var blocks: Int { (channels + lanes - 1) / lanes }

    /// The floats of one image, unused lanes included.
    package var count: Int { blocks * height * width * lanes }

    /// Where an element of one image lies.
    package func index(channel: Int, y: Int, x: Int) -> Int {
        ((channel / lanes * height + y) * width + x) * lanes + channel % lanes
    }

    var value: lockstep_image_shape {
        lockstep_image_shape(channels: channels, rows: height, columns: width, lanes: lanes)
    }
}

/// Writes zeros into the lanes that no channel uses.
package func clearUnusedLanes(_ images: UnsafeMutablePointer<Float>, _ shape: ImageShape, rows: Int) {
    lockstep_clear_unused_lanes(images, shape.value, rows)
}

/// Copies plain images, [rows, channels, height, width], into blocks; unused lanes become zeros.
package func blockImages(
    _ plain: UnsafePointer<Float>, into blocked: UnsafeMutablePointer<Float>, _ shape: ImageShape, rows: Int
) {
    lockstep_block_images(plain, shape.value, rows, blocked)
}

/// Copies blocks into plain images, [rows, channels, height, width]: the order in which PyTorch flattens.
package func unblockImages(
    _ blocked: UnsafePointer<Float>, into plain: UnsafeMutablePointer<Float>, _ shape: ImageShape, rows: Int
) {
    lockstep_unblock_images(blocked, shape.value, rows, plain)
}

import CKernels

/// A window that slides over images: what max and average pooling reduce to one element.
package struct PoolWindow: Hashable, Sendable {
    package var height: Int
    package var width: Int
    package var strideRows: Int
    package var strideColumns: Int
    /// Rows and columns around the images, fewer than the window's.
    package var paddingTop: Int
    package var paddingLeft: Int
    package var paddingBottom: Int
    package var paddingRight: Int

    /// Strides default to the window's size.
    package init(
        height: Int, width: Int, strideRows: Int? = nil, strideColumns: Int? = nil, paddingTop: Int = 0,
        paddingLeft: Int = 0, paddingBottom: Int = 0, paddingRight: Int = 0
    ) {
        self.height = height
        self.width = width
        self.strideRows = strideRows ?? height
        self.strideColumns = strideColumns ?? width
        self.paddingTop = paddingTop
        self.paddingLeft = paddingLeft
        self.paddingBottom = paddingBottom
        self.paddingRight = paddingRight
    }

    /// Whether every position of the window has an element of images of this size, and there is a position.
    package func fits(_ shape: ImageShape) -> Bool {
        let sizes = 1...1 << 20
        return sizes.contains(height) && sizes.contains(width) && sizes.contains(strideRows)
            && sizes.contains(strideColumns) && (0..<height).contains(paddingTop)
            && (0..<height).contains(paddingBottom)
            && (0..<width).contains(paddingLeft) && (0..<width).contains(paddingRight)
            && shape.height + paddingTop + paddingBottom >= height && shape.width + paddingLeft + paddingRight >= width
    }

    /// The shape of what pooling computes from images: only whole windows count.
    package func outputs(of shape: ImageShape) -> ImageShape {
        var outputs = shape
        outputs.height = (shape.height + paddingTop + paddingBottom - height) / strideRows + 1
        outputs.width = (shape.width + paddingLeft + paddingRight - width) / strideColumns + 1
        return outputs
    }

    fileprivate func value(for shape: ImageShape) -> lockstep_pool {
        precondition(fits(shape))
        let outputs = outputs(of: shape)
        return lockstep_pool(
            window_rows: height, window_columns: width, stride_rows: strideRows, stride_columns: strideColumns,
            top: paddingTop, left: paddingLeft, output_rows: outputs.height, output_columns: outputs.width)
    }
}

/// Max pooling: the largest element of each window. Padding never wins.
///
/// As PyTorch does, the first of equal elements wins, row by row, and a NaN wins over every number.
///
/// - Parameters:
///   - images: [rows, shape].
///   - shape: The images' shape.
///   - window: A window that fits it.
///   - rows: Samples.
///   - outputs: Receives the maxima, [rows, window.outputs(of: shape)]; unused lanes become zeros.
///   - winners: Receives where each maximum lies in its image, y · width + x, [as the outputs].
package func maxPool(
    _ images: UnsafePointer<Float>, _ shape: ImageShape, _ window: PoolWindow, rows: Int,
    into outputs: UnsafeMutablePointer<Float>, winners: UnsafeMutablePointer<Int32>
) {
    lockstep_max_pool(images, shape.value, rows, window.value(for: shape), outputs, winners)
}

/// The errors of the images before ``maxPool``: each winner gets the errors of the windows that it won, added row by row.
///
/// - Parameters:
///   - outputErrors: [as the outputs].
///   - winners: What ``maxPool`` wrote.
///   - shape: The images' shape.
///   - window: The same window.
///   - rows: Samples.
///   - errors: Receives the errors, [rows, shape]; unused lanes become zeros.
package func maxPoolErrors(
    _ outputErrors: UnsafePointer<Float>, winners: UnsafePointer<Int32>, _ shape: ImageShape, _ window: PoolWindow,
    rows: Int, into errors: UnsafeMutablePointer<Float>
) {
    lockstep_max_pool_errors(outputErrors, winners, shape.value, rows, window.value(for: shape), errors)
}

/// Average pooling: the mean of each window. Padding counts as zeros, as in PyTorch.
///
/// - Parameters:
///   - images: [rows, shape].
///   - shape: The images' shape.
///   - window: A window that fits it.
///   - rows: Samples.
///   - outputs: Receives the means, added row by row, [rows, window.outputs(of: shape)]; unused lanes become zeros.
package func averagePool(
    _ images: UnsafePointer<Float>, _ shape: ImageShape, _ window: PoolWindow, rows: Int,
    into outputs: UnsafeMutablePointer<Float>
) {
    lockstep_average_pool(images, shape.value, rows, window.value(for: shape), outputs)
}

/// The errors of the images before ``averagePool``: each element gets its share of the errors of its windows, added row by
/// row.
///
/// - Parameters:
///   - outputErrors: [as the outputs].
///   - shape: The images' shape.
///   - window: The same window.
///   - rows: Samples.
///   - errors: Receives the errors, [rows, shape]; unused lanes become zeros.
package func averagePoolErrors(
    _ outputErrors: UnsafePointer<Float>, _ shape: ImageShape, _ window: PoolWindow, rows: Int,
    into errors: UnsafeMutablePointer<Float>
) {
    lockstep_average_pool_errors(outputErrors, shape.value, rows, window.value(for: shape), errors)
}

/// Global average pooling: the mean of each channel, added in double, row by row.
///
/// - Parameters:
///   - images: [rows, shape].
///   - shape: The images' shape.
///   - rows: Samples.
///   - means: Receives the means, [rows, channels].
package func globalAveragePool(
    _ images: UnsafePointer<Float>, _ shape: ImageShape, rows: Int, into means: UnsafeMutablePointer<Float>
) {
    lockstep_global_average(images, shape.value, rows, means)
}

/// The errors of the images before ``globalAveragePool``, from those of the means, [rows, channels]; unused lanes become
/// zeros.
package func globalAveragePoolErrors(
    _ meanErrors: UnsafePointer<Float>, _ shape: ImageShape, rows: Int, into errors: UnsafeMutablePointer<Float>
) {
    lockstep_global_average_errors(meanErrors, shape.value, rows, errors)
}

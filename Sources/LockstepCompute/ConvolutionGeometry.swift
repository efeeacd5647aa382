import CKernels

extension Convolution {
    /// The shapes of a convolution.
    package struct Geometry: Hashable, Sendable, CustomStringConvertible {
        package var inputChannels: Int
        package var inputRows: Int
        package var inputColumns: Int
        package var filters: Int
        package var kernelRows: Int
        package var kernelColumns: Int
        package var strideRows: Int
        package var strideColumns: Int
        /// Rows and columns of zeros around the input images.
        package var paddingTop: Int
        package var paddingLeft: Int
        package var paddingBottom: Int
        package var paddingRight: Int

        package init(
            inputChannels: Int, inputRows: Int, inputColumns: Int, filters: Int, kernelRows: Int, kernelColumns: Int,
            strideRows: Int = 1, strideColumns: Int = 1, paddingTop: Int = 0, paddingLeft: Int = 0,
            paddingBottom: Int = 0, paddingRight: Int = 0
        ) {
            self.inputChannels = inputChannels
            self.inputRows = inputRows
            self.inputColumns = inputColumns
            self.filters = filters
            self.kernelRows = kernelRows
            self.kernelColumns = kernelColumns
            self.strideRows = strideRows
            self.strideColumns = strideColumns
            self.paddingTop = paddingTop
            self.paddingLeft = paddingLeft
            self.paddingBottom = paddingBottom
            self.paddingRight = paddingRight
        }

        /// The output image's height; at most 0 if the kernel is larger than the padded input.
        package var outputRows: Int {
            let rows = inputRows + paddingTop + paddingBottom
            return rows < kernelRows ? 0 : (rows - kernelRows) / strideRows + 1
        }

        /// The output image's width; at most 0 if the kernel is larger than the padded input.
        package var outputColumns: Int {
            let columns = inputColumns + paddingLeft + paddingRight
            return columns < kernelColumns ? 0 : (columns - kernelColumns) / strideColumns + 1
        }

        /// Floating-point operations of the forward pass over one sample, at most Int.max. Each backward pass has as many.
        package var flops: Int {
            [2, filters, inputChannels, kernelRows, kernelColumns, outputRows, outputColumns].reduce(1) {
                product, factor in
                let (result, overflow) = product.multipliedReportingOverflow(by: factor)
                return overflow ? .max : result
            }
        }

        package var description: String {
            "a convolution of \(inputChannels) channels of \(inputRows) x \(inputColumns) with \(filters) filters of "
                + "\(kernelRows) x \(kernelColumns), stride \(strideRows) x \(strideColumns), padding \(paddingTop) "
                + "\(paddingLeft) \(paddingBottom) \(paddingRight)"
        }
    }
}

extension Convolution.Geometry {
    /// The most columns of a filter that every kernel computes: oneDNN's direct algorithm keeps a row of the filter in
    /// registers. AVX-512 would allow one or two columns more, and a run with them could not move to another CPU. The rows
    /// of a filter are not limited.
    package static let maximumKernelColumns = 13

    /// Whether all sizes are at least 1, and blocks of this many rows have fewer elements than oneDNN's integers count.
    package func isPossible(rows: Int) -> Bool {
        let largest = 1 << 20
        let sizes = [
            rows, inputChannels, inputRows, inputColumns, filters, kernelRows, kernelColumns, strideRows, strideColumns,
        ]
        let paddings = [paddingTop, paddingLeft, paddingBottom, paddingRight]
        guard sizes.allSatisfy({ (1...largest).contains($0) }), paddings.allSatisfy({ (0...largest).contains($0) }),
            outputRows > 0, outputColumns > 0
        else { return false }
        func fits(_ dimensions: Int...) -> Bool {
            var count = 1
            for dimension in dimensions {
                count *= dimension
                guard count <= Int(Int32.max) / 16 else { return false }
            }
            return true
        }
        return fits(rows, inputChannels, paddedRows, paddedColumns) && fits(rows, filters, outputRows, outputColumns)
            && fits(rows, filters, inputRows + kernelRows, inputColumns + kernelColumns)
            && fits(filters, inputChannels, kernelRows, kernelColumns)
    }

    private var paddedRows: Int { inputRows + paddingTop + paddingBottom }
    private var paddedColumns: Int { inputColumns + paddingLeft + paddingRight }

    /// The same with channels and filters in whole blocks.
    func filledUp(to lanes: Int) -> Self {
        var geometry = self
        geometry.inputChannels = inputChannels.roundedUp(to: lanes)
        geometry.filters = filters.roundedUp(to: lanes)
        return geometry
    }

    /// The same outputs from images that contain the padding, as far as a kernel reads it.
    var withPaddingInInputs: Self {
        var geometry = self
        (geometry.paddingTop, geometry.paddingLeft, geometry.paddingBottom, geometry.paddingRight) = (0, 0, 0, 0)
        geometry.inputRows = (outputRows - 1) * strideRows + kernelRows
        geometry.inputColumns = (outputColumns - 1) * strideColumns + kernelColumns
        return geometry
    }

    /// Where the images lie in those of ``withPaddingInInputs``.
    var padding: lockstep_placement {
        lockstep_placement(top: paddingTop, left: paddingLeft, row_step: 1, column_step: 1)
    }

    /// The same inputs with every output that a kernel can have, at a stride of 1: the given outputs are among them, if their
    /// kernels meet the image at all.
    var withSpreadOutputs: Self {
        var geometry = self
        (geometry.strideRows, geometry.strideColumns) = (1, 1)
        (geometry.paddingTop, geometry.paddingBottom) = (kernelRows - 1, kernelRows - 1)
        (geometry.paddingLeft, geometry.paddingRight) = (kernelColumns - 1, kernelColumns - 1)
        return geometry
    }

    /// Where the outputs lie in those of ``withSpreadOutputs``.
    var spreading: lockstep_placement {
        lockstep_placement(
            top: kernelRows - 1 - paddingTop, left: kernelColumns - 1 - paddingLeft, row_step: strideRows,
            column_step: strideColumns)
    }

    func inputImages(lanes: Int) -> lockstep_image_shape {
        lockstep_image_shape(channels: inputChannels, rows: inputRows, columns: inputColumns, lanes: lanes)
    }

    func outputImages(lanes: Int) -> lockstep_image_shape {
        lockstep_image_shape(channels: filters, rows: outputRows, columns: outputColumns, lanes: lanes)
    }
}

extension Int {
    func roundedUp(to multiple: Int) -> Int { (self + multiple - 1) / multiple * multiple }
}

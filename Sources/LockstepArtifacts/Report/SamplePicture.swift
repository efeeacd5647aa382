import LockstepData
import LockstepModel
import LockstepNetwork

/// The samples of a data set as pictures, and weights as pictures of what they look for.
struct SamplePicture {
    let rows: Int
    let columns: Int
    /// 1 or 3.
    let channels: Int

    /// The picture that a network's samples are; nil if they are none.
    ///
    /// - Parameters:
    ///   - model: A network with the input of a picture, or with as many values as a square has pixels.
    ///   - dataset: Values that are bytes are pixels.
    init?(_ model: NetworkModel, _ dataset: DatasetDescription) {
        switch model.input {
        case .image(let channels, let rows, let columns):
            guard channels == 1 || channels == 3, rows > 1, columns > 1, rows * columns <= Self.maximumPixels else {
                return nil
            }
            (self.channels, self.rows, self.columns) = (channels, rows, columns)
        case .values(let count):
            let side = Int(Double(count).squareRoot().rounded())
            guard dataset.element == .uint8, side >= 4, side * side == count, count <= Self.maximumPixels else {
                return nil
            }
            (channels, rows, columns) = (1, side, side)
        }
    }

    private static let maximumPixels = 1 << 14

    /// A sample as the address of a picture.
    func address(of sample: Int, in dataset: Dataset) -> String {
        var values = [Float](repeating: 0, count: dataset.description.inputSize)
        dataset.gather(sample..<sample + 1, into: &values)
        let pixels = rows * columns
        // Bytes are scaled to 0 to 1. Other values are stretched over the picture's own range.
        var (low, high) = (Float(0), Float(1))
        if dataset.description.element != .uint8 {
            (low, high) = (values.min() ?? 0, values.max() ?? 1)
            if high <= low { high = low + 1 }
        }
        let bytes = values.map { UInt8(max(0, min(255, (255 * ($0 - low) / (high - low)).rounded()))) }
        // From [channels, rows, columns] to [rows, columns, channels].
        let interleaved =
            channels == 1
            ? bytes : (0..<pixels).flatMap { pixel in (0..<channels).map { bytes[$0 * pixels + pixel] } }
        return PNGPicture.address(of: interleaved, columns: columns, channels: channels)
    }
}

/// What the neurons of a network's first layer look for: their weights as pictures.
struct FirstLayerPictures {
    /// Neurons that are shown.
    private static let limit = 64

    /// The addresses of the pictures, in the neurons' order.
    let addresses: [String]
    /// Neurons or filters of the layer.
    let count: Int
    let columns: Int
    let rows: Int

    /// Nil if the first layer with weights sees no picture.
    ///
    /// - Parameters:
    ///   - model: The network.
    ///   - picture: What its samples are.
    ///   - weights: The parameters, in the network's layout.
    init?(_ model: NetworkModel, _ picture: SamplePicture, weights: UnsafePointer<Float>) {
        guard let tensor = model.layout.tensors.first(where: { $0.shape.count >= 2 }) else { return nil }
        count = tensor.shape[0]
        let size = tensor.range.count / max(1, count)
        let planes: Int
        if tensor.shape.count == 2, size == picture.rows * picture.columns * picture.channels {
            (rows, columns, planes) = (picture.rows, picture.columns, picture.channels)
        } else if tensor.shape.count == 4, tensor.shape[2] > 1, tensor.shape[3] > 1 {
            (rows, columns, planes) = (tensor.shape[2], tensor.shape[3], tensor.shape[1])
        } else {
            return nil
        }
        let pixels = rows * columns
        addresses = (0..<min(count, Self.limit)).map { [columns] neuron in
            let start = weights + tensor.range.lowerBound + neuron * size
            // Of several channels the mean.
            let values = (0..<pixels).map { pixel in
                (0..<planes).reduce(Float(0)) { $0 + start[$1 * pixels + pixel] } / Float(planes)
            }
            return Self.address(of: values, columns: columns)
        }
    }

    /// Positive weights orange and negative ones blue, the more opaque the larger.
    private static func address(of values: [Float], columns: Int) -> String {
        let largest = max(values.reduce(0) { max($0, $1.isFinite ? $1.magnitude : 0) }, .leastNormalMagnitude)
        let pixels = values.flatMap { value -> [UInt8] in
            let part = value.isFinite ? value / largest : 0
            let opacity = UInt8(255 * min(1, part.magnitude))
            return part >= 0 ? [230, 110, 20, opacity] : [20, 120, 210, opacity]
        }
        return PNGPicture.address(of: pixels, columns: columns, channels: 4)
    }
}

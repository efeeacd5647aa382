/// A matrix whose rows are bytes that lie anywhere, such as pictures in a data set: each counts as `scale` times itself.
package struct ByteRows {
    /// Where each row begins, [rows].
    package let rows: UnsafePointer<UnsafePointer<UInt8>?>
    package let scale: Float

    package init(rows: UnsafePointer<UnsafePointer<UInt8>?>, scale: Float) {
        self.rows = rows
        self.scale = scale
    }
}

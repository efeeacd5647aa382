/// A matrix of bytes whose rows may lie anywhere, such as the images of a data set; element x has the value `scale` x.
package struct ByteRows {
    /// The address of each row, [rows].
    package let rows: UnsafePointer<UnsafePointer<UInt8>?>
    package let scale: Float

    package init(rows: UnsafePointer<UnsafePointer<UInt8>?>, scale: Float) {
        self.rows = rows
        self.scale = scale
    }
}

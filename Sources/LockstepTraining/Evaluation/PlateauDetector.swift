/// Finds plateaus: so many evaluations in a row in which no more validation samples are correct than in the best evaluation
/// before them.
///
/// The "no improvement in n" rule of M. Nielsen, "Neural Networks and Deep Learning", chapter 3. What it finds follows from
/// the evaluations alone, so a resumed run that is given them again goes on with the same decisions.
package struct PlateauDetector: Hashable, Sendable {
    /// Evaluations in a row without improvement that make a plateau, at least 1.
    package let minimumLength: Int
    /// The highest number of correct validation samples; nil before the first evaluation.
    package private(set) var best: Int?
    /// Evaluations since the best one, or since the end of the last plateau.
    package private(set) var length = 0
    /// Plateaus so far.
    package private(set) var count = 0

    package init(minimumLength: Int) {
        self.minimumLength = minimumLength
    }

    /// Adds an evaluation.
    ///
    /// - Parameter correct: The number of correct validation samples.
    package mutating func add(_ correct: Int) {
        if correct > best ?? -1 {
            (best, length) = (correct, 0)
            return
        }
        length += 1
        guard length >= minimumLength else { return }
        length = 0
        count += 1
    }
}

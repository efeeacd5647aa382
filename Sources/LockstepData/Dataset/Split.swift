/// A part of a data set, by its use.
package enum Split: String, CaseIterable, Codable, Sendable {
    case training, validation, test
}

import Synchronization

/// A model that a program brings itself, as a run's configuration names it.
///
/// The configuration travels to workers, which are the same program, so a name and settings are enough to make the model there.
package struct ProgramModel: Codable, Hashable, Sendable {
    /// The name under which the program has registered the model.
    package var name: String
    /// The model's own settings, a JSON text.
    package var settings: String

    package init(name: String, settings: String) {
        self.name = name
        self.settings = settings
    }

    /// Bytes that the settings may have: they are part of the welcome and of configuration files.
    package static let maximumSettings = 64 << 10

    /// Makes the model.
    ///
    /// - Throws: ``ProgramModelError`` if this program has registered no such model, or it refuses the settings.
    package func make() throws(ProgramModelError) -> any Model {
        guard let factory = factories.withLock({ $0[name] }) else {
            throw ProgramModelError(
                description: "this program has no model '\(name)'; train it with the program that brings the model")
        }
        do {
            return try factory(settings)
        } catch {
            throw ProgramModelError(description: "model '\(name)': \(error)")
        }
    }

    /// Lets ``make()`` make the models with this name. A later registration replaces an earlier one.
    ///
    /// - Parameters:
    ///   - name: The name.
    ///   - factory: Makes a model of the settings.
    package static func register(_ name: String, _ factory: @escaping @Sendable (String) throws -> any Model) {
        factories.withLock { $0[name] = factory }
    }
}

/// Why there is no model with a name and settings.
package struct ProgramModelError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
}

private let factories = Mutex<[String: @Sendable (String) throws -> any Model]>([:])

import Foundation
import LockstepTesting
import Testing

/// The Python program beside this file, which computes the same things in another way.
enum Oracle {
    /// The interpreter with numpy and safetensors that scripts/test makes.
    static let python = ProcessInfo.processInfo.environment["LOCKSTEP_ORACLE_PYTHON"]
    static let isThere = python != nil

    private static let program = String(#filePath.dropLast("Oracle.swift".count)) + "Oracles/lockstep_oracle.py"

    /// Runs one of its commands.
    static func ask<Answer: Decodable>(_ arguments: String...) throws -> Answer {
        try ask(arguments)
    }

    static func ask<Answer: Decodable>(_ arguments: [String]) throws -> Answer {
        let python = try #require(python)
        let result = try Program.run([program] + arguments, executable: python, limit: .seconds(600))
        try #require(result.status == 0, "\(result)")
        return try JSONDecoder().decode(Answer.self, from: Data(result.output.utf8))
    }
}

/// What the oracle's `gradient` says.
struct OracleGradient: Decodable {
    /// How far its own gradient is from central differences.
    var error: Double
    /// The gradient's largest element.
    var largest: Double
}

/// What the oracle's `train` says.
struct OracleSteps: Decodable {
    /// How far the parameter that moved most went.
    var moved: Double
    /// How far a parameter is from where the oracle's went, at most.
    var error: Double
}

/// What the oracle's `evaluate` says.
struct OracleScore: Decodable {
    var correct: Int
    var total: Int
    var cost: Double
}

import Fabric
import Foundation

/// The vectors that were made by running the reference package (`Tests/FabricTests/Vectors`).
enum Vectors {
    /// All that there is about forks.
    static let forks: JSONValue = {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("FabricTests/Vectors/fork.json")
        return try! JSONValue(parsing: Array(Data(contentsOf: file)))
    }()

    /// The vectors of one kind, each with its name.
    static func cases(_ key: String) -> [JSONObject] { forks[key]?.list?.compactMap(\.object) ?? [] }
}

extension JSONObject {
    /// A text that must be there.
    func text(_ key: String) throws -> String { try found(self[key]?.text, key) }

    /// An object that must be there.
    func object(_ key: String) throws -> JSONObject { try found(self[key]?.object, key) }

    private func found<Value>(_ value: Value?, _ key: String) throws -> Value {
        guard let value else { throw Missing(key: key) }
        return value
    }

    struct Missing: Error {
        let key: String
    }
}

extension JSONValue {
    /// The same text for the same value, whatever the order of its keys.
    var canonical: String { text(.sortedPython) }
}

import Foundation

/// A file of reference vectors (`Vectors/README.md`).
struct VectorFile {
    let name: String

    struct Missing: Error {
        let name: String
    }

    func data() throws -> Data {
        guard let folder = Bundle.module.url(forResource: "Vectors", withExtension: nil) else {
            throw Missing(name: name)
        }
        return try Data(contentsOf: folder.appendingPathComponent(name))
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: data())
    }
}

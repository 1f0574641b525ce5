internal import Fabric
internal import HTTPTypes

/// What one request is called in every line of the log that is about it.
enum TransferName {
    /// The header field that carries it in both directions.
    static let field = "X-Transfer-ID"

    /// The name that the client gave, if it can stand in a log; else a new one.
    static func choose(_ headers: HTTPFields) -> String {
        if let name = HTTPField.Name(field), let given = headers[name], (1...128).contains(given.utf8.count),
            given.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        {
            return given
        }
        return TransferID.generate().text
    }
}

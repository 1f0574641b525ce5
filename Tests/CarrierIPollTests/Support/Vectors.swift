import Fabric
import Foundation

/// What the peers' clients were seen to send and to make of answers (`Tests/FabricTests/Vectors/README.md`).
struct RecordedCall {
    let peer: String
    let call: String
    let requests: [JSONObject]
    let answer: JSONValue
    let result: JSONValue?

    /// All calls that were recorded.
    static func all() throws -> [RecordedCall] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("FabricTests/Vectors/hub-clients.json")
        let json = try JSONValue(parsing: [UInt8](Data(contentsOf: file)))
        return (json["cases"]?.list ?? []).compactMap { one in
            guard let peer = one["peer"]?.text, let call = one["call"]?.text else { return nil }
            return RecordedCall(
                peer: peer, call: call, requests: (one["requests"]?.list ?? []).compactMap(\.object),
                answer: one["response_given"]?["body"] ?? .null, result: one["result"])
        }
    }

    /// The call that begins so, of that peer.
    static func first(_ peer: String, _ call: String) throws -> RecordedCall? {
        try all().first { $0.peer.hasPrefix(peer) && $0.call.hasPrefix(call) }
    }
}

package import Fabric
package import HubClient

/// What a server says of itself.
package struct IPollStatus: Sendable {
    /// `online`, `ok`, or what else it calls it.
    package let status: String
    /// What it can beyond what the peers' servers can.
    package let features: HubFeatures
    /// The program that it is, with its version; nil where it does not say.
    package let program: String?
    /// All of the answer.
    package let raw: JSONObject

    init(_ raw: JSONObject, _ features: HubFeatures) {
        self.raw = raw
        self.features = features
        status = raw["status"]?.text ?? "unknown"
        program = raw["hub"]?.text
    }
}

internal import Fabric
internal import HTTPServing
internal import HTTPTypes
internal import NIOCore

/// One request, read to its end.
struct Exchange: Sendable {
    let head: HTTPRequest
    let address: RequestAddress
    /// What the parts in braces of the endpoint's path stand for.
    let captures: [String: String]
    let body: [UInt8]
    /// How it was counted.
    let admission: RequestCounter.Admission
    /// What it takes of the budget of bodies.
    var cost = 0
    let channel: any NIOCore.Channel
    /// What this transfer is called in logs and in the answer.
    let transfer: String

    /// The first value of a header field.
    func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { head.headerFields[$0] } }

    /// The address that the connection came from.
    var remoteAddress: String { Self.address(of: channel) }

    /// The port that the connection came in at.
    var localPort: Int? { (channel.localAddress ?? channel.parent?.localAddress)?.port }

    /// Whether the connection comes from this machine, and nothing says that a proxy passed the request on.
    var isFromThisMachine: Bool {
        HostName(remoteAddress).isLoopback && Self.passedOn.allSatisfy { header($0) == nil }
    }

    private static let passedOn = ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"]

    /// The host that was asked, as the client wrote it.
    var host: String { head.authority ?? "" }

    /// Calls `notify` once when the other side has gone, also if it has already; nil to call nobody any more.
    func watchDeparture(_ notify: (@Sendable () -> Void)?) {
        channel.triggerUserOutboundEvent(DepartureWatch.Order(notify: notify), promise: nil)
    }

    /// Where a connection comes from, without its port; a stream's connection is its parent.
    static func address(of channel: any NIOCore.Channel) -> String {
        (channel.remoteAddress ?? channel.parent?.remoteAddress)?.ipAddress ?? "unknown"
    }

    /// What the part in braces of that name stands for.
    func capture(_ name: String) -> String { captures[name] ?? "" }

    /// The agent that the part in braces names.
    ///
    /// - Throws: 422 when that can be no agent.
    func agent(_ name: String) throws(HubFault) -> String {
        guard let agent = AgentName.parse(capture(name)) else {
            throw .invalid(
                "path", name, message: "Input should be an agent's name", input: .text(capture(name)))
        }
        return agent
    }
}

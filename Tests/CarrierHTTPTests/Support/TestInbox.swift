import CarrierHTTP
import Fabric
import Foundation
import SystemPackage

/// A listener on a port of its own with a lane in a directory of its own.
struct TestInbox: Sendable {
    let workspace: Workspace
    let listener: HTTPListener
    let address: HTTPListenerAddress
    let lane: Lane

    /// Does `body` with a running listener, and stops it.
    static func with<Value>(
        workspace: Workspace = Workspace(), reserve: Int64 = 0, policy: AuthorizationPolicy = AuthorizationPolicy(),
        limits: HTTPListenerLimits = quick(), tls: HTTPListenerTLS? = nil,
        keyOfClaim: (@Sendable (String) async -> PublicKey?)? = nil, receiptKey: SigningKey? = nil,
        _ body: (TestInbox) async throws -> Value
    ) async throws -> Value {
        let inbox = try await start(
            workspace: workspace, reserve: reserve, policy: policy, limits: limits, tls: tls, keyOfClaim: keyOfClaim,
            receiptKey: receiptKey)
        do {
            let value = try await body(inbox)
            await inbox.listener.stop()
            return value
        } catch {
            await inbox.listener.stop()
            throw error
        }
    }

    static func start(
        workspace: Workspace = Workspace(), reserve: Int64 = 0, policy: AuthorizationPolicy = AuthorizationPolicy(),
        limits: HTTPListenerLimits = quick(), tls: HTTPListenerTLS? = nil,
        keyOfClaim: (@Sendable (String) async -> PublicKey?)? = nil, receiptKey: SigningKey? = nil
    ) async throws -> TestInbox {
        let lane = try Lane(directory: workspace.path.appending("lane"), reserve: reserve)
        var configuration = HTTPListenerConfiguration(port: 0, authorization: policy, limits: limits, tls: tls)
        configuration.keyOfClaim = keyOfClaim
        configuration.receiptKey = receiptKey
        let listener = HTTPListener(configuration: configuration, lane: lane)
        let address = try await listener.start()
        return TestInbox(workspace: workspace, listener: listener, address: address, lane: lane)
    }

    /// Limits under which nothing takes long.
    static func quick() -> HTTPListenerLimits {
        var limits = HTTPListenerLimits()
        limits.stopTime = .seconds(1)
        // Only a starved machine takes longer than the default.
        limits.headerTime = .seconds(60)
        limits.takeOverTime = .seconds(2)
        return limits
    }

    var route: Route { address.route }

    /// The next arrivals, in order.
    func arrivals(_ count: Int) async -> [HTTPArrival] {
        var found: [HTTPArrival] = []
        for await arrival in listener.arrivals.prefix(count) { found.append(arrival) }
        return found
    }

    /// One raw exchange: sends `text`, reads to the end of the answer.
    func exchange(_ text: String, halfClose: Bool = false) async -> RawAnswer {
        await exchange(Array(text.utf8), halfClose: halfClose)
    }

    func exchange(_ bytes: [UInt8], halfClose: Bool = false) async -> RawAnswer {
        let port = address.port
        return await blocking {
            let socket = RawSocket(port: port)
            socket.send(bytes)
            if halfClose { socket.halfClose() }
            return socket.readAnswer()
        }
    }

    /// A `POST` with a right length.
    func post(_ name: String, _ body: [UInt8], headers: [String] = []) async -> RawAnswer {
        await exchange(Self.request("POST", "/inbox/" + name, body, headers: headers))
    }

    static func request(
        _ method: String, _ path: String, _ body: [UInt8], headers: [String] = [], length: Int? = nil
    ) -> [UInt8] {
        let lines =
            ["\(method) \(path) HTTP/1.1", "Host: localhost", "Content-Length: \(length ?? body.count)"] + headers
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
    }
}

/// A carrier with short waits.
func carrier(
    _ key: SigningKey? = nil, _ change: (inout HTTPCarrierConfiguration) -> Void = { _ in }
) -> HTTPCarrier {
    var configuration = HTTPCarrierConfiguration(signingKey: key)
    configuration.stallTime = .seconds(20)
    configuration.connectTime = .seconds(5)
    change(&configuration)
    return HTTPCarrier(configuration: configuration)
}

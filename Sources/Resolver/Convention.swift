internal import Fabric

/// The rules that hold where nobody says otherwise (`ains.md`, section 2).
public struct Convention: Sendable, Equatable {
    /// Whom to log in as over ssh. `root`.
    public var sshUser = "root"
    /// The inbox on the far side, for ssh. `/var/lib/tibet/inbox`.
    public var inbox = "/var/lib/tibet/inbox"
    /// The port of HTTP inboxes. 8443.
    public var httpPort = 8443
    /// The address of the mux server; nil where nobody named one.
    public var muxServer: String?
    /// The agent at the mux server; nil for the host of the name.
    public var muxAgent: String?
    /// The address of the I-Poll server; nil where nobody named one.
    public var ipollServer: String?

    /// The transports, of `mux` and `ipoll`, whose mailbox or server the command line names. A mailbox that only the
    /// environment leads to is used when its agent is registered there with the receiver's key.
    public var namedMailboxes: Set<String> = []

    /// The mux server that is asked when mux was insisted on and nobody named a server.
    public static let usualMuxServer = "http://localhost:8000"
    /// The I-Poll server that is asked when I-Poll was insisted on and nobody named a server: that of the peers' commands.
    public static let usualIPollServer = "http://localhost:8000"

    /// The defaults.
    public init() {}

    /// The ways to a name, the preferred one first: ssh, HTTP, mux, I-Poll.
    ///
    /// - Parameter transport: The transport that was insisted on, which the name's port then belongs to. Otherwise the
    ///   port is that of HTTP. A mux or I-Poll server that nobody named is only asked when its transport was insisted
    ///   on.
    func routes(to host: HostPart, port: Int?, transport: String?) -> [Route] {
        var routes: [Route] = []
        if let port, transport == "scp" {
            routes.append(Route(scheme: "scp", address: "scp://\(sshUser)@\(host):\(port)\(inbox)"))
        } else {
            routes.append(Route(scheme: "scp", address: "\(sshUser)@\(host):\(inbox)"))
        }
        let scheme = transport == "https" ? "https" : "http"
        routes.append(Route(scheme: scheme, address: "\(scheme)://\(host):\(port ?? httpPort)"))
        if let server = muxServer ?? (transport == "mux" ? Self.usualMuxServer : nil) {
            routes.append(Self.mailbox("mux", "\(server)#\(muxAgent ?? host.lookupName)"))
        }
        if let server = ipollServer ?? (transport == "ipoll" ? Self.usualIPollServer : nil) {
            routes.append(Self.mailbox("ipoll", "\(server)#\(host.lookupName)"))
        }
        return routes
    }

    /// The mailbox in the one spelling in which a record has it too; as it is where it cannot be one, which is found later.
    private static func mailbox(_ scheme: String, _ address: String) -> Route {
        (try? RouteText.route(transport: scheme, address: address)) ?? Route(scheme: scheme, address: address)
    }
}
